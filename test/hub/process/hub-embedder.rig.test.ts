import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {DEFAULT_SETTINGS} from '../../../src/config/settings.ts';
import {projectHubArguments} from '../../../src/daemon/project-hub-arguments.ts';
import {ProjectHub} from '../../../src/daemon/project-hub.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {until} from '../../rig/until.ts';
import {EmbeddingsServer} from '../recall/embeddings-server.ts';
import {episode, pushOf, RawClient} from '../server/hub-rig.ts';
import {ServedHubRig} from './served-hub.ts';

const SECRET = 'sesame-open-4711';

/** Two lessons; what is asked has no word in common with either, and the vector of the longer one. */
async function findsByMeaning(client: RawClient, server: EmbeddingsServer): Promise<void> {
  const at = formatStamp({ms: Date.now(), counter: 0, node: 'a1'});
  const [one, other] = ['aaaa', 'bbbbb'].map(task => episode('a1', {task, input: '', output: '', tags: [], at}));
  if (one === undefined || other === undefined) throw new Error('there are two');
  await client.ask('pushed', pushOf(one, other));
  await until('both were embedded', () => server.asked.flatMap(({input}) => input).length >= 2);
  const texts = server.asked.flatMap(({input}) => input);
  const like = texts.find(text => text.includes('bbbbb'));
  if (like === undefined) throw new Error(`the endpoint was told ${JSON.stringify(texts)}`);
  const query = 'z'.repeat(like.length);
  const memories = await until('it is found', async () => {
    const {memories: found} = await client.ask('recalled', {type: 'recall', query, k: 1, explain: true});
    return found.length > 0 && found;
  });
  expect(memories).toMatchObject([{episode: {task: 'bbbbb'}}]);
  expect(new Set(server.asked.map(({headers}) => headers.authorization))).toEqual(new Set([`Bearer ${SECRET}`]));
  expect(new Set(server.asked.map(({model}) => model))).toEqual(new Set(['small']));
}

test('a hub finds by the vectors of an endpoint; its key is in no argument and no message', async () => {
  await using server = await EmbeddingsServer.open();
  await using rig = new ServedHubRig();
  process.env['EMBEDDER_KEY'] = SECRET;
  try {
    const how = ['--embedder', 'endpoint', '--embedder-model', 'small', '--embedder-key-env', 'EMBEDDER_KEY'];
    const served = await rig.serve(...how, '--embedder-url', `${server.origin}/v1`, '--embedder-dimensions', '4');
    expect(server.asked).toEqual([]);
    await findsByMeaning(await rig.join(served.url, await rig.token('a1')), server);
    expect(server.asked[0]?.path).toBe('/v1/embeddings');
    expect(readFileSync(`/proc/${served.child.pid ?? 0}/cmdline`, 'utf8')).not.toContain(SECRET);
    server.next.push((_asked, response) => response.writeHead(401).end(`no ${SECRET}`));
    const client = await rig.join(served.url, await rig.token('a2'));
    await client.ask('pushed', pushOf(episode('a2', {at: formatStamp({ms: Date.now(), counter: 0, node: 'a2'})})));
    await until('the hub says that it was refused', () => served.said().stderr.includes('401'));
    served.child.kill('SIGINT');
    const {stdout, stderr} = await served.ended;
    expect(stderr).toContain('401');
    expect(stdout + stderr).not.toContain(SECRET);
  } finally {
    delete process.env['EMBEDDER_KEY'];
  }
});

test('what an endpoint needs is said, and what does not go together', async () => {
  await using rig = new ServedHubRig();
  for (const [args, said] of [
    [['--embedder', 'endpoint'], 'needs --embedder-url'],
    [['--embedder', 'endpoint', '--embedder-url', 'http://127.0.0.1:1/v1'], 'needs --embedder-model'],
    [['--embedder', 'hashed', '--embedder-model', 'small'], 'the embedder is hashed'],
    [['--embedder', 'none'], 'auto, model, hashed or endpoint'],
    [
      ['--embedder', 'endpoint', '--embedder-url', 'http://a:b@127.0.0.1:1', '--embedder-model', 'm'],
      'a name or a password',
    ],
    [
      [
        '--embedder',
        'endpoint',
        '--embedder-url',
        'http://127.0.0.1:1',
        '--embedder-model',
        'm',
        '--embedder-key-env',
        'NO_KEY',
      ],
      'NO_KEY, which is not set',
    ],
  ] as const) {
    const {code, stderr} = await rig.run('serve', '--port', '0', ...args);
    expect({code, stderr}).toEqual({code: 2, stderr: expect.stringContaining(said)});
  }
});

test("a project's own hub has an endpoint by its settings", async () => {
  await using server = await EmbeddingsServer.open();
  const folder = mkdtempSync(join(tmpdir(), 'godel-endpoint-'));
  process.env['GODEL_TEST_EMBEDDER_KEY'] = SECRET;
  const settings = {
    ...DEFAULT_SETTINGS,
    hubEmbedder: 'endpoint',
    hubEmbedderUrl: server.origin,
    hubEmbedderModel: 'small',
    hubEmbedderKeyEnv: 'GODEL_TEST_EMBEDDER_KEY',
  };
  const logged: unknown[] = [];
  const hub = new ProjectHub({
    paths: {hubFile: join(folder, 'hub.db')},
    log: {info: (about: unknown) => void logged.push(about), warn: (about: unknown) => void logged.push(about)},
    random: Math.random,
    args: projectHubArguments(settings, folder),
  });
  try {
    const {url, token} = await hub.endpoint({agentId: 'a1', tenantId: 'project'});
    expect(server.asked).toMatchObject([{input: ['probe'], path: '/embeddings'}]);
    server.asked.length = 0;
    const client = new RawClient(new WebSocket(url));
    await client.opened;
    client.hello(token);
    await client.next('welcome');
    await findsByMeaning(client, server);
    const {pid} = JSON.parse(readFileSync(join(folder, 'hub.keys', 'running.json'), 'utf8')) as {pid: number};
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(SECRET);
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  } finally {
    delete process.env['GODEL_TEST_EMBEDDER_KEY'];
    await hub.end();
    rmSync(folder, {recursive: true, force: true});
  }
});
