import {connect} from 'node:net';
import {afterEach, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {hubLimits} from '../../../src/hub/server/hub-limits.ts';
import {until} from '../../rig/until.ts';
import {type HubRig, RawClient, episode, pushOf, startHub} from './hub-rig.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  undo.push(() => rig[Symbol.asyncDispose]());
  return rig;
}

const portOf = ({hub: server}: HubRig) => server.address?.port ?? 0;

test('limits that make no sense are named', () => {
  expect(() => hubLimits({helloMs: 0})).toThrow(new RangeError('limits.helloMs is 0; expected a number above 0'));
  expect(() => hubLimits({agents: Number.NaN})).toThrow('limits.agents');
});

describe('before the hello', () => {
  test('a WebSocket that says nothing is told that it is too slow', async () => {
    const rig = await hub({limits: {helloMs: 100}});
    const client = await rig.open();
    expect(await client.next('error')).toMatchObject({id: null, code: 'too-slow'});
    expect(await client.end()).toMatchObject({code: 1008, reason: 'too-slow'});
  });

  test('neither pings nor a request that comes byte by byte extend the time', async () => {
    const rig = await hub({limits: {helloMs: 300}});
    const client = await rig.open();
    const pings = setInterval(() => {
      if (client.closed === null) client.webSocket.ping();
    }, 20);
    const slow = connect(portOf(rig), '127.0.0.1');
    let isSlowClosed = false;
    slow.on('close', () => (isSlowClosed = true));
    slow.on('error', () => undefined);
    const request = `GET /v1/hub HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(10_000)}`;
    let sent = 0;
    const drip = setInterval(() => slow.write(request[sent++] ?? 'y'), 10);
    undo.push(
      () => clearInterval(pings),
      () => clearInterval(drip),
      () => slow.destroy(),
    );
    expect(await client.end()).toMatchObject({reason: 'too-slow'});
    await until('the dripping connection is cut', () => isSlowClosed);
    expect(sent).toBeLessThan(400);
  });

  test('a frame that is too large for a hello is refused before it has come', async () => {
    const rig = await hub();
    const client = await rig.open();
    client.raw(JSON.stringify({type: 'hello', id: 1, token: 'x'.repeat(1_000_000)}));
    expect(await client.next('error')).toMatchObject({code: 'too-large'});
    expect((await client.end()).code).toBeGreaterThan(1000);
    expect(rig.events.filter(({kind}) => kind === 'unexpected')).toEqual([]);
  });

  test('only so many may wait, in all and of one address; who is admitted waits no longer', async () => {
    const rig = await hub({limits: {waitingPerAddress: 3}});
    for (let index = 0; index < 5; index += 1) await rig.join(`agent ${index}`);
    for (let index = 0; index < 3; index += 1) await rig.open();
    const more = new WebSocket(rig.url);
    more.on('error', () => undefined);
    const status = await new Promise(resolve => {
      more.on('unexpected-response', (_, response) => resolve(response.statusCode));
    });
    more.terminate();
    expect(status).toBe(503);
  });

  test('anything but a hello is refused', async () => {
    const rig = await hub();
    const client = await rig.open();
    client.send({type: 'pull', id: 1, since: 0, limit: 10});
    expect(await client.next('error')).toMatchObject({code: 'token-invalid'});
    await client.end();
  });
});

describe('how many agents', () => {
  test.each([
    ['agents', {agents: 2}],
    ['agents of a tenant', {agentsPerTenant: 2}],
    ['agents of an address', {agentsPerAddress: 2}],
  ] as const)('at most so many %s; one that comes again is no other', async (_, limits) => {
    const rig = await hub({limits});
    const [a] = [await rig.join('a'), await rig.join('b')];
    await rig.join('a');
    await a.end();
    const third = await rig.open();
    third.hello(rig.desk.issue('c'));
    expect(await third.next('error')).toMatchObject({id: 0, code: 'limit-reached', retryAfterMs: expect.any(Number)});
    expect(await third.end()).toMatchObject({code: 1013});
  });

  test('a tenant that is full keeps no other out', async () => {
    const rig = await hub({limits: {agentsPerTenant: 1}});
    await rig.join('a');
    await rig.join('a', {tenantId: 't2'});
  });
});

describe('after the hello', () => {
  test('frames that come too fast are refused with when to send them again; who goes on is cut off', async () => {
    const rig = await hub({limits: {framesPerS: 10, framesBurst: 20, refusedInARow: 50}});
    const client = await rig.join('a');
    for (let id = 0; id < 30; id += 1) client.send({type: 'who', id});
    const refusal = await client.next('error');
    expect(refusal).toMatchObject({code: 'too-fast', id: expect.any(Number)});
    await until('it may again', async () => (await client.answer({type: 'who'})).type === 'agents');
    for (let id = 0; id < 200; id += 1) client.send({type: 'who', id});
    expect(await client.end()).toMatchObject({reason: 'too-fast'});
  });

  test('so are bytes', async () => {
    const rig = await hub({limits: {bytesPerS: 1000, bytesBurst: 10_000}});
    const client = await rig.join('a');
    const big = pushOf(episode('a', {input: 'x'.repeat(20_000)}));
    expect(await client.ask('error', big)).toMatchObject({code: 'too-fast'});
  });

  test('three bad frames end a connection; each is told where it is bad', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    a.raw('{"type":"pull","id":7,"since":-1,"limit":1}');
    expect(await a.next('error')).toMatchObject({id: 7, code: 'bad-frame', message: expect.stringContaining('since')});
    a.raw('nonsense');
    expect(await a.next('error')).toMatchObject({id: null, code: 'bad-frame'});
    a.webSocket.send(Buffer.from([1, 2, 3]));
    expect(await a.next('error')).toMatchObject({code: 'bad-frame', message: expect.stringContaining('binary')});
    expect(await a.end()).toEqual({code: 1008, reason: 'bad-frame'});
    await b.ask('agents', {type: 'who'});
  });

  test('a frame above the limit of the protocol ends the connection', async () => {
    const rig = await hub();
    const client = await rig.join('a');
    client.raw(`"${'x'.repeat(4 * 1024 * 1024)}"`);
    expect(await client.end()).toMatchObject({code: 1009});
  });

  test('pages are bounded in bytes', async () => {
    const rig = await hub({limits: {pullBytes: 10_000}});
    const client = await rig.join('a');
    await client.ask('pushed', pushOf(...Array.from({length: 10}, () => episode('a', {input: 'x'.repeat(4000)}))));
    const seen: number[] = [];
    for (let since = 0, more = true; more; ) {
      const page = await client.ask('entries', {type: 'pull', since, limit: 1000});
      expect(page.entries.length).toBeLessThanOrEqual(2);
      seen.push(...page.entries.map(({position}) => position));
      since = seen.at(-1) ?? 0;
      more = page.more;
    }
    expect(seen).toEqual(Array.from({length: 10}, (_, index) => index + 1));
  });

  test('a tenant that is full is told so, item by item', async () => {
    const rig = await hub();
    rig.store.capacity = 1;
    const client = await rig.join('a');
    const {results} = await client.ask('pushed', pushOf(episode('a'), episode('a')));
    expect(results).toMatchObject([{position: 1}, {code: 'storage-full'}]);
  });

  test('answers that are not taken stop the reading, not the hub', async () => {
    const rig = await hub({limits: {backlogBytes: 200_000}});
    const client = await rig.join('a');
    await client.ask('pushed', pushOf(...Array.from({length: 40}, () => episode('a', {input: 'x'.repeat(10_000)}))));
    client.webSocket.pause();
    const asked = 300;
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 1000; id < 1000 + asked; id += 1) client.send({type: 'pull', id, since: 0, limit: 1000});
    const other = await rig.join('b');
    for (let turn = 0; turn < 20; turn += 1) await other.ask('agents', {type: 'who'});
    // 300 answers of 400 kB each would be 120 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40_000_000);
    client.webSocket.resume();
    await until('all are answered', () => client.frames.filter(({type}) => type === 'entries').length === asked);
  });
});

test('an agent whose connection says goodbye in the middle of its hello is not counted', async () => {
  const rig = await hub();
  let open: () => void = () => undefined;
  rig.desk.gate = new Promise(resolve => (open = resolve));
  const client = new RawClient(new WebSocket(rig.url));
  await client.opened;
  client.hello(rig.desk.issue('a'));
  client.webSocket.terminate();
  await client.end();
  open();
  const other = await rig.join('b');
  await until('only the other is there', async () => (await other.ask('agents', {type: 'who'})).agents.length === 1);
  expect(rig.hub.getStats().agents).toBe(1);
});
