import {randomUUID} from 'node:crypto';
import {afterEach, describe, expect, test} from 'vitest';
import {fail, ok} from '../../../src/base/result.ts';
import type {HubStoreFailure} from '../../../src/hub/server/hub-store.ts';
import type {Priority} from '../../../src/model/hub.ts';
import {type HubRig, type RawClient, startHub} from './hub-rig.ts';

const rigs: HubRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  rigs.push(rig);
  return rig;
}

interface Fields {
  id?: string;
  to?: string | null;
  topic?: string | null;
  body?: unknown;
  priority?: Priority;
  correlationId?: string | null;
}

function message({
  id = randomUUID(),
  to = null,
  topic = null,
  body = 'hi',
  priority = 'normal',
  correlationId = null,
}: Fields) {
  // Any JSON is a body.
  const told = {id, to, topic, kind: 'message', body: body as string, priority, correlationId} as const;
  return {type: 'message', message: told} as const;
}

/** Everything that was sent to this client before has come when this is over. */
async function settle(client: RawClient): Promise<void> {
  await client.ask('agents', {type: 'who'});
  await client.ask('agents', {type: 'who'});
}

const bodies = (client: RawClient) =>
  client.frames.flatMap(frame => (frame.type === 'message' ? [frame.message.body] : []));

describe('direct messages', () => {
  test('reach the one they are for, with who sent them and when', async () => {
    const rig = await hub();
    const [a, b, c] = [await rig.join('a'), await rig.join('b'), await rig.join('c')];
    const told = message({to: 'b', body: {of: ['any', 1]}, correlationId: 'q1', priority: 'high'});
    await a.ask('ok', told);
    expect((await b.next('message')).message).toEqual({...told.message, from: 'a', sentAtMs: expect.any(Number)});
    await settle(c);
    expect(bodies(c)).toEqual([]);
  });

  test('sent again, they are answered but not delivered again', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    const told = message({to: 'b'});
    await a.ask('ok', told);
    await a.ask('ok', told);
    await settle(b);
    b.send({type: 'received', messages: [told.message.id]});
    await a.ask('ok', told);
    await settle(b);
    expect(bodies(b)).toEqual(['hi']);
    expect(await b.ask('error', message({id: told.message.id, to: 'a'}))).toMatchObject({code: 'bad-frame'});
  });

  test('wait for an agent that has gone, and come once with each of its connections until taken in', async () => {
    const rig = await hub();
    const a = await rig.join('a');
    const first = await rig.join('b');
    first.webSocket.close(1000);
    await a.next('presence', ({left}) => left.length > 0);
    const told = [message({to: 'b', body: 1, priority: 'low'}), message({to: 'b', body: 2, priority: 'urgent'})];
    for (const one of told) await a.ask('ok', one);
    const second = await rig.join('b');
    await settle(second);
    expect(bodies(second)).toEqual([2, 1]);
    second.send({type: 'received', messages: [told[0]!.message.id]});
    await settle(second);
    const third = await rig.join('b');
    await settle(third);
    expect(bodies(third)).toEqual([2]);
  });

  test('to an agent that nobody knows are refused; so are those to an agent of another tenant', async () => {
    const rig = await hub();
    const a = await rig.join('a');
    await rig.join('b', {tenantId: 't2'});
    expect(await a.ask('error', message({to: 'b'}))).toMatchObject({code: 'not-found'});
  });

  test('to an agent that was here before the hub started are kept', async () => {
    const rig = await hub({isKnown: (tenant, agentId) => tenant === 't1' && agentId === 'old'});
    const a = await rig.join('a');
    await a.ask('ok', message({to: 'old', body: 'since then'}));
    const old = await rig.join('old');
    expect((await old.next('message')).message.body).toBe('since then');
  });

  test('are refused when too many wait, and welcome again when some were taken in', async () => {
    const rig = await hub({limits: {keptMessages: 2}});
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    const ids = ['m1', 'm2'];
    for (const id of ids) await a.ask('ok', message({id, to: 'b'}));
    const third = message({id: 'm3', to: 'b', body: 'third'});
    expect(await a.ask('error', third)).toMatchObject({code: 'limit-reached', retryAfterMs: expect.any(Number)});
    b.send({type: 'received', messages: ids});
    await settle(b);
    await a.ask('ok', third);
    expect((await b.next('message', ({message: {id}}) => id === 'm3')).message.body).toBe('third');
  });

  test('to an agent that is away are refused while they cannot be kept, and no others are', async () => {
    let failure: HubStoreFailure | null = null;
    const settle = () => (failure === null ? ok(undefined) : fail(failure));
    const rig = await hub({mail: {waiting: () => [], kept: () => undefined, taken: () => undefined, settle}});
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    b.webSocket.close(1000);
    await a.next('presence', ({left}) => left.length > 0);
    failure = {kind: 'full', detail: 'no room'};
    const told = message({to: 'b'});
    expect(await a.ask('error', told)).toMatchObject({code: 'disk-full', retryAfterMs: 5000});
    expect(await a.ask('error', told)).toMatchObject({code: 'disk-full'});
    for (const other of [message({to: 'a'}), message({to: null})]) await a.ask('ok', other);
    failure = {kind: 'broken', detail: 'torn'};
    expect(await a.ask('error', message({to: 'b'}))).toMatchObject({code: 'unavailable', retryAfterMs: null});
    failure = null;
    await a.ask('ok', told);
  });

  test('expire', async () => {
    const rig = await hub({limits: {keptMs: 1, keptMessages: 1}});
    const a = await rig.join('a');
    const b = await rig.join('b');
    b.webSocket.close(1000);
    await a.next('presence', ({left}) => left.length > 0);
    await a.ask('ok', message({to: 'b', body: 'old'}));
    await settle(a);
    await a.ask('ok', message({to: 'b', body: 'new'}));
  });

  test('that are too large are refused', async () => {
    const rig = await hub({limits: {messageBytes: 1000}});
    const a = await rig.join('a');
    expect(await a.ask('error', message({body: 'x'.repeat(1000)}))).toMatchObject({code: 'too-large'});
  });
});

describe('messages to everybody', () => {
  test('reach all but their author; with a topic, those who follow it', async () => {
    const rig = await hub();
    const a = await rig.join('a', {topics: ['builds']});
    const [b, c, other] = [
      await rig.join('b', {topics: ['builds']}),
      await rig.join('c'),
      await rig.join('d', {tenantId: 't2'}),
    ];
    await a.ask('ok', message({body: 'all'}));
    await a.ask('ok', message({body: 'topical', topic: 'builds'}));
    for (const client of [a, b, c, other]) await settle(client);
    expect([a, b, c, other].map(bodies)).toEqual([[], ['all', 'topical'], ['all'], []]);
  });

  test('that come in one turn are told by priority', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    const priorities = ['low', 'normal', 'urgent', 'high', 'urgent'] as const;
    const frames = priorities.map((priority, index) => message({body: `${priority} ${index}`, priority}));
    // One write, so that the hub reads them in one turn.
    a.webSocket.send(JSON.stringify({type: 'who', id: 99}));
    for (const [index, frame] of frames.entries()) a.raw(JSON.stringify({...frame, id: index}));
    await settle(a);
    await settle(b);
    expect(new Set(bodies(b))).toEqual(new Set(frames.map(({message: {body}}) => body)));
    expect(bodies(b).slice(0, 2)).toEqual(['urgent 2', 'urgent 4']);
  });
});

describe('documents', () => {
  const join = {type: 'document', document: 'plan', vector: 'AA==', update: null} as const;

  test('an update is passed on to those who joined, and given to those who join later', async () => {
    const rig = await hub();
    const [a, b, c] = [await rig.join('a'), await rig.join('b'), await rig.join('c', {tenantId: 't2'})];
    for (const client of [a, b, c]) expect((await client.ask('document', join)).update).toBeNull();
    await a.ask('document', {...join, vector: null, update: 'AQ=='});
    expect(await b.next('document')).toEqual({
      type: 'document',
      id: null,
      document: 'plan',
      vector: null,
      update: 'AQ==',
    });
    const late = await rig.join('late');
    expect((await late.ask('document', join)).update).toBe('AQ==');
    await settle(c);
    expect((await c.ask('document', join)).update).toBeNull();
    expect(a.frames.concat(c.frames).filter(({type}) => type === 'document')).toEqual([]);
  });

  test('are bounded in number and size', async () => {
    const rig = await hub({limits: {documentsPerAgent: 2, documentsPerTenant: 1, documentBytes: 10}});
    const a = await rig.join('a');
    const of = (document: string, update: string | null) => ({...join, document, update});
    await a.ask('document', of('one', 'AQ=='));
    expect(await a.ask('error', of('one', 'AQIDBAUGBwg='))).toMatchObject({code: 'storage-full'});
    expect(await a.ask('error', of('two', 'AQ=='))).toMatchObject({code: 'limit-reached'});
    await a.ask('document', of('two', null));
    expect(await a.ask('error', of('three', null))).toMatchObject({code: 'limit-reached'});
  });
});
