import {afterEach, describe, expect, test} from 'vitest';
import {until} from '../../rig/until.ts';
import {type HubRig, episode, pushOf, startHub} from './hub-rig.ts';

const rigs: HubRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  rigs.push(rig);
  return rig;
}

describe('hello', () => {
  test('a good token is welcomed as who it says', async () => {
    const rig = await hub({syncInterval: 1234});
    const client = await rig.open();
    client.hello(rig.desk.issue('a', {tenantId: 't9', role: 'coordinator'}));
    expect(await client.next('welcome')).toMatchObject({
      id: 0,
      version: 1,
      agentId: 'a',
      tenantId: 't9',
      role: 'coordinator',
      head: 0,
      syncIntervalMs: 1234,
    });
  });

  test('a bad token is refused by its reason, and the connection closed', async () => {
    const rig = await hub();
    const client = await rig.open();
    client.hello('made up');
    expect(await client.next('error')).toMatchObject({id: 0, code: 'token-invalid'});
    expect(await client.end()).toEqual({code: 1008, reason: 'token-invalid'});
  });

  test('a version the hub does not speak is refused with who must be updated', async () => {
    const rig = await hub();
    const client = await rig.open();
    client.raw(
      '{"type":"hello","id":3,"versions":[2,3],"token":"x","sessionId":null,"presence":null,"subscription":{"news":true,"topics":[]}}',
    );
    expect(await client.next('error')).toMatchObject({
      code: 'unsupported-version',
      message: expect.stringContaining('update the hub'),
    });
    await client.end();
  });

  test('what comes behind the hello waits for the welcome', async () => {
    const rig = await hub();
    const client = await rig.open();
    client.hello(rig.desk.issue('a'));
    client.send({type: 'who', id: 5});
    expect((await client.next('agents')).agents.map(({agentId}) => agentId)).toEqual(['a']);
  });
});

describe('pull and push', () => {
  test('what is pushed has a position and can be pulled, exactly and page by page', async () => {
    const rig = await hub();
    const client = await rig.join('a');
    const episodes = Array.from({length: 5}, () => episode('a'));
    const {results} = await client.ask('pushed', pushOf(...episodes));
    expect(results).toEqual(episodes.map(({id}, index) => ({id, position: index + 1})));
    const first = await client.ask('entries', {type: 'pull', since: 0, limit: 3});
    expect(first).toMatchObject({head: 5, more: true});
    const second = await client.ask('entries', {type: 'pull', since: 3, limit: 3});
    expect(second).toMatchObject({head: 5, more: false});
    expect([...first.entries, ...second.entries]).toEqual(
      episodes.map((told, index) => ({kind: 'episode', episode: told, position: index + 1})),
    );
    expect((await client.ask('entries', {type: 'pull', since: 5, limit: 3})).entries).toEqual([]);
  });

  test('a push that is sent again has the same positions and adds nothing', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    const push = pushOf(episode('a'), episode('a'));
    const first = await a.ask('pushed', push);
    expect((await a.ask('pushed', push)).results).toEqual(first.results);
    expect((await b.next('news')).entries).toHaveLength(2);
    expect(rig.store.head('t1')).toBe(2);
    await b.ask('agents', {type: 'who'});
    expect(b.frames.filter(({type}) => type === 'news')).toEqual([]);
  });

  test("another agent's episode is refused, the rest of the push is taken", async () => {
    const rig = await hub();
    const client = await rig.join('a');
    const [own, foreign] = [episode('a'), episode('b')];
    expect((await client.ask('pushed', pushOf(foreign, own))).results).toEqual([
      {id: foreign.id, code: 'forbidden', message: expect.stringContaining('episode.agentId')},
      {id: own.id, position: 1},
    ]);
  });

  test('pushes that come together are made durable together', async () => {
    const rig = await hub();
    const client = await rig.join('a');
    const before = rig.store.flushes;
    const asked = Array.from({length: 20}, () => client.ask('pushed', pushOf(episode('a'))));
    await Promise.all(asked);
    expect(rig.store.flushes - before).toBeLessThan(10);
  });

  test('a disk that is full refuses the pushes of that turn, which may be tried again; pulls go on', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    await a.ask('pushed', pushOf(episode('a')));
    rig.store.failure = {kind: 'full', detail: 'ENOSPC'};
    const lost = episode('a');
    const refusals = await Promise.all([a.ask('error', pushOf(lost)), b.ask('error', pushOf(episode('b')))]);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({code: 'disk-full', retryAfterMs: expect.any(Number)});
    expect(await b.ask('entries', {type: 'pull', since: 0, limit: 10})).toMatchObject({
      head: 1,
      entries: [{position: 1}],
    });
    rig.store.failure = null;
    expect((await a.ask('pushed', pushOf(lost))).results).toEqual([{id: lost.id, position: 2}]);
    expect((await b.next('news', ({head}) => head === 2)).entries).toMatchObject([{position: 2}]);
  });

  test('nobody is shown what is not durable yet', async () => {
    const rig = await hub();
    const client = await rig.join('a');
    rig.store.failure = {kind: 'broken', detail: 'bad page'};
    const id = 77;
    // Both in one chunk of the stream, so that the pull is read before the turn ends.
    const push = JSON.stringify({...pushOf(episode('a')), id});
    client.raw(push);
    client.raw('{"type":"pull","id":78,"since":0,"limit":10}');
    expect(await client.next('entries')).toMatchObject({entries: [], head: 0});
    expect(await client.next('error')).toMatchObject({id, code: 'unavailable'});
  });
});

describe('news', () => {
  test('go to all subscribers but their author', async () => {
    const rig = await hub();
    const [a, b, c] = [await rig.join('a'), await rig.join('b'), await rig.join('c', {news: false})];
    await a.ask('pushed', pushOf(episode('a')));
    expect(await b.next('news')).toMatchObject({head: 1, entries: [{position: 1}]});
    for (const client of [a, c]) {
      await client.ask('agents', {type: 'who'});
      expect(client.frames.filter(({type}) => type === 'news')).toEqual([]);
    }
    await c.ask('ok', {type: 'subscribe', subscription: {news: true, topics: []}});
    await b.ask('pushed', pushOf(episode('b')));
    expect(await c.next('news')).toMatchObject({head: 2, entries: [{position: 2}]});
  });
});

describe('presence', () => {
  test('is told to those who ask for it only, and they alone count as its audience', async () => {
    const rig = await hub({limits: {presenceAudience: 1}});
    const watcher = await rig.join('watcher');
    const quiet = await Promise.all(
      Array.from({length: 20}, (_, index) => rig.join(`quiet-${index}`, {presence: false})),
    );
    const told = new Set<string>();
    while (told.size < 20) for (const {agentId} of (await watcher.next('presence')).joined) told.add(agentId);
    await Promise.all(quiet.map(client => client.ask('agents', {type: 'who'})));
    expect(quiet.flatMap(({frames}) => frames)).toEqual([]);

    const [first] = quiet;
    await watcher.ask('ok', {type: 'subscribe', subscription: {news: false, topics: [], presence: false}});
    await first?.ask('ok', {type: 'subscribe', subscription: {news: false, topics: []}});
    await rig.join('late', {presence: false});
    expect(await first?.next('presence')).toMatchObject({joined: [{agentId: 'late'}]});
    await watcher.ask('agents', {type: 'who'});
    expect(watcher.frames.filter(({type}) => type === 'presence')).toEqual([]);
  });

  test('tells who comes, changes and goes, and never about oneself', async () => {
    const rig = await hub();
    const a = await rig.join('a');
    const b = await rig.join('b');
    expect(await a.next('presence')).toMatchObject({joined: [{agentId: 'b', role: 'worker', status: 'online'}]});
    await b.ask('ok', {type: 'presence', presence: {status: 'busy', doing: 'task 4', skills: ['ts']}});
    expect(await a.next('presence')).toMatchObject({changed: [{agentId: 'b', status: 'busy', doing: 'task 4'}]});
    expect((await a.ask('agents', {type: 'who'})).agents).toHaveLength(2);
    b.webSocket.close(1000);
    expect(await a.next('presence')).toMatchObject({left: [{agentId: 'b', why: 'left'}]});
    const c = await rig.join('c');
    await a.next('presence');
    c.webSocket.terminate();
    expect(await a.next('presence')).toMatchObject({left: [{agentId: 'c', why: 'lost'}]});
    expect(a.frames.filter(({type}) => type === 'presence')).toEqual([]);
  });

  test('an agent that connects again takes the place of its older connection, which is told', async () => {
    const rig = await hub();
    const [watcher, older] = [await rig.join('w'), await rig.join('a')];
    await watcher.next('presence');
    const newer = await rig.join('a');
    expect(await older.next('error')).toMatchObject({id: null, code: 'replaced'});
    expect(await older.end()).toEqual({code: 1008, reason: 'replaced'});
    expect(await watcher.next('presence')).toMatchObject({
      joined: [{agentId: 'a'}],
      left: [{agentId: 'a', why: 'replaced'}],
    });
    expect((await newer.ask('agents', {type: 'who'})).agents).toHaveLength(2);
    expect(rig.hub.getStats().agents).toBe(2);
  });

  test('a peer that falls silent is lost within its time', async () => {
    const rig = await hub({limits: {deadAfterMs: 400}});
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    await a.next('presence');
    b.webSocket.pause();
    expect(await a.next('presence')).toMatchObject({left: [{agentId: 'b', why: 'lost'}]});
    expect(a.closed).toBeNull();
  });
});

test('stopping says goodbye, and the port is free', async () => {
  const rig = await hub();
  const client = await rig.join('a');
  await rig.hub.stop();
  expect(await client.end()).toMatchObject({code: 1001});
  await expect(rig.open()).rejects.toThrow();
});

test('figures come over HTTP, and nothing else', async () => {
  const rig = await hub();
  const client = await rig.join('a');
  await client.ask('pushed', pushOf(episode('a')));
  await client.ask('error', {type: 'get', episode: 'none'});
  const base = rig.url.replace('ws:', 'http:').replace('/v1/hub', '');
  expect(await (await fetch(`${base}/healthz`)).text()).toBe('ok\n');
  const metrics = await (await fetch(`${base}/metrics`)).text();
  expect(metrics).toContain('godel_hub_agents 1\n');
  expect(metrics).toContain('godel_hub_entries_total 1\n');
  expect(metrics).toContain('godel_hub_refused_total{code="not-found"} 1\n');
  expect((await fetch(`${base}/v1/hub`)).status).toBe(404);
  expect((await fetch(`${base}/metrics`, {method: 'POST'})).status).toBe(405);
  await until('nothing is left of the answers', () => rig.hub.getStats().agents === 1);
});
