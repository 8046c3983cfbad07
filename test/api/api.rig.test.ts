import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ApiClient} from '../../src/api/client.ts';
import type {FeedMessage} from '../../src/api/contract.ts';
import {exchange} from '../../src/api/exchange.ts';
import {followTeam} from '../../src/api/feed-client.ts';
import {connectJsonSocket} from '../../src/wire/connect-json-socket.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const MANY = {
  version: 1,
  tasks: {
    list: {run: 'seq 600', outputs: 'lines'},
    each: {needs: ['list'], foreach: '${{ tasks.list.output }}', run: 'true'},
  },
};

test('a client of another API version is told which side to restart, and the team runs on', async () => {
  await using rig = await Rig.create();
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'sleep 0.5'}}}});
  const {socket, projectId} = rig.paths;
  const answer = await exchange({
    socket,
    method: 'GET',
    path: '/v1/teams',
    headers: {'godel-version': '99.0.0', 'godel-api': '99', 'godel-project': projectId},
    timeoutMs: 10_000,
    explainSilence: () => null,
    isRepeatable: true,
  });
  expect(answer).toMatchObject({ok: true, value: {status: 426}});
  const body: unknown = answer.ok && JSON.parse(answer.value.text);
  expect(body).toMatchObject({error: {reason: 'daemon-incompatible', ourVersion: '99.0.0', older: 'daemon'}});

  const older = new ApiClient({...rig.client().options, version: '0.0.1'});
  expect(await older.team(team)).toMatchObject({ok: true});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
});

test('a daemon of another API version is recognised by the client, whatever it answers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-api-'));
  const socket = join(folder, 's');
  const server = createServer((_, response) => {
    response.setHeader('godel-api', '99').setHeader('godel-version', '99.0.0').writeHead(404).end('nothing here');
  });
  await new Promise<void>(resolve => server.listen(socket, resolve));
  try {
    const client = new ApiClient({socket, projectId: 'p', version: '1.0.0'});
    expect(await client.teams()).toEqual({
      ok: false,
      failure: {reason: 'daemon-incompatible', daemonVersion: '99.0.0', ourVersion: '1.0.0', older: 'client'},
    });
  } finally {
    server.close();
    rmSync(folder, {recursive: true});
  }
});

test('nobody on the socket: a client that may not start a daemon says so', async () => {
  const client = new ApiClient({socket: '/nowhere/s', projectId: 'p', version: '1'});
  expect(await client.teams()).toMatchObject({
    failure: {reason: 'daemon-unreachable', detail: 'No daemon is running for this project.'},
  });
});

test('a feed gives every event once and in order, over a restart of the daemon too', async () => {
  await using rig = await Rig.create();
  const {team} = await rig.spawn({plan: MANY, count: 8});
  const seen: number[] = [];
  let killed = false;
  for await (const message of followTeam(rig.client(), {team, eventsAfter: 0})) {
    if (message.type === 'event') seen.push(message.event.seq);
    if (seen.length > 300 && !killed) {
      killed = true;
      process.kill(rig.daemonPid()!, 'SIGKILL');
    }
    if (message.type === 'view' && message.view.outcome !== null) break;
    expect(message.type).not.toBe('error');
  }
  expect(killed).toBe(true);
  expect(seen).toEqual(seen.map((_, index) => index + 1));
  const last = await rig.client().events(team, {after: 0, limit: 10_000});
  expect(last.ok && last.value.length).toBe(seen.length);
});

test('a reader that does not read holds up nobody, and finds everything when it goes on', async () => {
  await using rig = await Rig.create();
  const {team} = await rig.spawn({plan: MANY, count: 8});
  const connected = await connectJsonSocket<never, FeedMessage>({
    socketPath: rig.paths.socket,
    path: `/v1/feed?team=${team}&events=1&after=0`,
    headers: rig.client().headers(),
    parse: value => value as FeedMessage,
    deadAfterMs: 600_000,
  });
  if (!connected.ok) throw new Error(JSON.stringify(connected.failure));
  // Without a listener the socket is not read.
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  const seen: number[] = [];
  let isOver = false;
  connected.value.onMessage(message => {
    if (message.type === 'event') seen.push(message.event.seq);
    if (message.type === 'view') isOver ||= message.view.outcome !== null;
  });
  await until('the last view has come', () => isOver);
  expect(seen).toEqual(seen.map((_, index) => index + 1));
  expect(seen.length).toBeGreaterThan(1200);
  connected.value.terminate();
});

test('a log is read while the task still writes it, and is over when the task is', async () => {
  await using rig = await Rig.create();
  const go = join(rig.folder, 'go');
  const run = `printf 'one\\n'; while ! test -e ${go}; do sleep 0.05; done; printf '\\377two\\n'`;
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run}}}});
  const client = rig.client();
  const first = await until('something is printed', async () => {
    const part = await client.log(team, {task: 'a'});
    return part.ok && part.value.data.length > 0 && part.value;
  });
  expect([Buffer.from(first.data).toString(), first.over]).toEqual(['one\n', false]);
  writeFileSync(go, '');
  await rig.waitFor(team);
  const rest = await client.log(team, {task: 'a', offset: 4});
  expect(rest.ok && [[...rest.value.data], rest.value.size, rest.value.over]).toEqual([
    [255, ...Buffer.from('two\n')],
    9,
    true,
  ]);
  expect(await client.log(team, {task: 'a', attempt: 7})).toMatchObject({value: {size: null, over: true}});
});
