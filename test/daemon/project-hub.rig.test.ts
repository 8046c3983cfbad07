import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {DEFAULT_SETTINGS, type Settings} from '../../src/config/settings.ts';
import {projectHubArguments} from '../../src/daemon/project-hub-arguments.ts';
import {type HubEndpoint, ProjectHub} from '../../src/daemon/project-hub.ts';
import {RawClient} from '../hub/server/hub-rig.ts';
import {until} from '../rig/until.ts';

class ProjectHubRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'godel-project-hub-'));
  readonly warned: unknown[] = [];
  readonly settings: Settings;
  readonly hub: ProjectHub;

  constructor(settings: Partial<Settings> = {}) {
    this.settings = {...DEFAULT_SETTINGS, ...settings};
    this.hub = new ProjectHub({
      paths: {hubFile: join(this.folder, 'hub.db')},
      log: {info: () => undefined, warn: (about: unknown) => void this.warned.push(about)},
      random: Math.random,
      args: projectHubArguments(this.settings, this.folder),
    });
  }

  get pid(): number {
    const {pid} = JSON.parse(readFileSync(join(this.folder, 'hub.keys', 'running.json'), 'utf8')) as {pid: number};
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub.end();
    rmSync(this.folder, {recursive: true, force: true});
  }
}

async function joined({url, token}: HubEndpoint): Promise<RawClient> {
  const client = new RawClient(new WebSocket(url));
  await client.opened;
  client.hello(token);
  return client;
}

test('the hub of a project is started when asked for, again at the same place when killed, and ends with its daemon', async () => {
  await using rig = new ProjectHubRig();
  const [one, other] = await Promise.all([
    rig.hub.endpoint({agentId: 'a1', tenantId: 'project'}),
    rig.hub.endpoint({agentId: 'a2', tenantId: 'project'}),
  ]);
  expect(other.url).toBe(one.url);
  const client = await joined(one);
  await client.next('welcome');
  const first = rig.pid;
  process.kill(first, 'SIGKILL');
  await client.end();
  const again = await until('it is there again', async () => {
    const found = await rig.hub.endpoint({agentId: 'a1', tenantId: 'project'}).catch(() => null);
    return found !== null && rig.pid !== first && found;
  });
  expect(again.url).toBe(one.url);
  expect(rig.warned).toMatchObject([{how: 'SIGKILL'}]);
  const last = await joined(again);
  await last.next('welcome');
  const second = rig.pid;
  await rig.hub.end();
  expect(await last.end()).toMatchObject({code: 1001});
  expect(() => process.kill(second, 0)).toThrow(/ESRCH/);
  expect(readdirSync(rig.folder).toSorted()).toEqual(['hub.db', 'hub.keys']);
  await expect(rig.hub.endpoint({agentId: 'a1', tenantId: 'project'})).rejects.toMatchObject({
    failure: {reason: 'daemon-unreachable'},
  });
});

test('the settings of a project reach its hub: quorum and how long it keeps', async () => {
  await using rig = new ProjectHubRig({hubQuorum: 2, hubKeepMs: 86_400_000});
  const client = await joined(await rig.hub.endpoint({agentId: 'a1', tenantId: 'project'}));
  expect(await client.next('welcome')).toMatchObject({recall: {quorum: 2}});
  const args = readFileSync(`/proc/${rig.pid}/cmdline`, 'utf8').split('\0');
  expect(args).toEqual(expect.arrayContaining(['--quorum=2', '--keep-ms=86400000']));
});
