import {afterEach, describe, expect, test} from 'vitest';
import {until} from '../../rig/until.ts';
import {type HubRig, episode, pushOf, startHub} from './hub-rig.ts';
import {damagedFrames} from './damaged-frames.ts';

const rigs: HubRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  rigs.push(rig);
  return rig;
}

const SECRET = 'the launch code is 0000';

describe('another tenant', () => {
  test('is not reached by any kind of frame', async () => {
    const recall = {
      recall: (tenant: string) => (tenant === 't2' ? Promise.resolve([]) : Promise.reject(new Error(tenant))),
      added: () => undefined,
      unsearchable: () => 0,
      unembedded: () => 0,
    };
    const rig = await hub({recall});
    const victim = await rig.join('victim', {tenantId: 't1', topics: ['secret']});
    const spy = await rig.join('spy', {tenantId: 't2', role: 'admin', topics: ['secret']});
    const secret = episode('victim', {task: SECRET});
    await victim.ask('pushed', pushOf(secret));
    await victim.ask('document', {type: 'document', document: 'plan', vector: null, update: 'AQ=='});
    const message = {
      id: 'm1',
      topic: 'secret',
      kind: 'message',
      body: SECRET,
      priority: 'normal',
      correlationId: null,
    } as const;
    await victim.ask('ok', {type: 'message', message: {...message, to: null}});

    expect(await spy.ask('entries', {type: 'pull', since: 0, limit: 100})).toMatchObject({entries: [], head: 0});
    expect((await spy.ask('error', {type: 'get', episode: secret.id})).code).toBe('not-found');
    expect((await spy.ask('states', {type: 'states', episodes: [secret.id]})).states).toEqual([null]);
    expect((await spy.ask('recalled', {type: 'recall', query: SECRET, k: 5})).memories).toEqual([]);
    expect((await spy.ask('agents', {type: 'who'})).agents.map(({agentId}) => agentId)).toEqual(['spy']);
    expect((await spy.ask('stats', {type: 'stats'})).stats).toMatchObject({
      agents: 1,
      episodes: 0,
      tenants: 1,
      episodesPerS: 0,
    });
    const vote = {id: 'v', episode: secret.id, by: 'spy', at: '0', kind: 'vote', value: -1} as const;
    const voted = await spy.ask('pushed', {type: 'push', items: [{kind: 'change', change: vote}]});
    expect(voted.results).toMatchObject([{code: 'not-found'}]);
    const same = await spy.ask('pushed', pushOf(episode('spy', {id: secret.id})));
    expect(same.results).toEqual([{id: secret.id, position: 1}]);
    expect((await spy.ask('error', {type: 'message', message: {...message, id: 'm2', to: 'victim'}})).code).toBe(
      'not-found',
    );
    await spy.ask('ok', {type: 'message', message: {...message, id: 'm1', to: null}});
    await spy.ask('document', {type: 'document', document: 'plan', vector: null, update: 'Ag=='});
    expect((await spy.ask('document', {type: 'document', document: 'plan', vector: 'AA==', update: null})).update).toBe(
      'Ag==',
    );
    spy.send({type: 'received', messages: ['m1']});
    await spy.ask('ok', {type: 'subscribe', subscription: {news: true, topics: ['secret']}});
    await spy.ask('ok', {type: 'presence', presence: {status: 'spying', doing: null, skills: []}});

    await victim.ask('agents', {type: 'who'});
    expect(victim.frames).toEqual([]);
    expect(JSON.stringify(spy.frames)).not.toContain('victim');
    expect(spy.frames).toEqual([]);
    const {entries} = await victim.ask('entries', {type: 'pull', since: 0, limit: 100});
    expect(entries).toMatchObject([{position: 1, episode: {agentId: 'victim'}}]);
  });

  test('may have an agent of the same id', async () => {
    const rig = await hub();
    const [one, other] = [await rig.join('same', {tenantId: 't1'}), await rig.join('same', {tenantId: 't2'})];
    await one.ask('agents', {type: 'who'});
    await other.ask('agents', {type: 'who'});
  });
});

describe('tokens', () => {
  test('a connection becomes nobody else by a new token', async () => {
    const rig = await hub();
    const client = await rig.join('a', {tenantId: 't1'});
    for (const token of [rig.desk.issue('a', {tenantId: 't2'}), rig.desk.issue('b', {tenantId: 't1'})]) {
      expect((await client.ask('error', {type: 'refresh', token})).code).toBe('forbidden');
    }
    expect((await client.ask('error', {type: 'refresh', token: 'forged'})).code).toBe('token-invalid');
    expect((await client.ask('agents', {type: 'who'})).agents).toMatchObject([{agentId: 'a'}]);
  });

  test('nor by another hello', async () => {
    const rig = await hub();
    const client = await rig.join('a');
    client.hello(rig.desk.issue('b', {tenantId: 't2'}));
    expect((await client.next('error')).code).toBe('bad-frame');
    expect((await client.ask('agents', {type: 'who'})).agents).toMatchObject([{agentId: 'a'}]);
  });

  test('a new token of the same agent brings its role with it', async () => {
    const rig = await hub();
    const client = await rig.join('a', {role: 'reader'});
    expect((await client.ask('error', pushOf(episode('a')))).code).toBe('forbidden');
    await client.ask('ok', {type: 'refresh', token: rig.desk.issue('a', {role: 'worker'})});
    await client.ask('pushed', pushOf(episode('a')));
  });

  test('one that has expired does nothing but take a new one, and ends the connection after its grace', async () => {
    const rig = await hub({limits: {refreshGraceMs: 1500}});
    const [client, other] = [await rig.join('a', {lifeMs: 300}), await rig.join('b', {lifeMs: 300})];
    await until('it has expired', async () => {
      const answer = await client.answer({type: 'who'});
      return answer.type === 'error' && answer.code === 'token-expired';
    });
    await client.ask('ok', {type: 'refresh', token: rig.desk.issue('a')});
    await client.ask('agents', {type: 'who'});
    expect(await other.end()).toEqual({code: 1008, reason: 'token-expired'});
    expect(client.closed).toBeNull();
  });

  test('one that is revoked ends its connection', async () => {
    const rig = await hub();
    const client = await rig.open();
    const token = rig.desk.issue('a');
    client.hello(token);
    await client.next('welcome');
    rig.desk.revoke(token);
    expect(await client.end()).toEqual({code: 1008, reason: 'token-revoked'});
  });

  test('a change in the name of somebody else is refused; a standing needs its role', async () => {
    const rig = await hub();
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    const told = episode('a');
    await a.ask('pushed', pushOf(told));
    const change = {id: 'c1', episode: told.id, at: '0', kind: 'standing', standing: 'forgotten'} as const;
    const push = (by: string) => ({type: 'push' as const, items: [{kind: 'change' as const, change: {...change, by}}]});
    expect((await b.ask('pushed', push('a'))).results).toMatchObject([
      {code: 'forbidden', message: expect.stringContaining('change.by')},
    ]);
    expect((await b.ask('pushed', push('b'))).results).toMatchObject([{code: 'forbidden'}]);
    expect((await a.ask('pushed', push('a'))).results).toMatchObject([{position: 2}]);
  });
});

describe('speaking for others', () => {
  const refusals = (results: readonly object[]) => results.map(result => ('code' in result ? result.code : 'taken'));

  test('who leads may push for agents beneath its own name; their names are in the log', async () => {
    const rig = await hub();
    const lead = await rig.join('godel', {role: 'coordinator'});
    const told = episode('godel/alpha-01');
    const change = {id: 'c1', episode: told.id, by: 'godel/alpha-02', at: '0', kind: 'confirm', success: true} as const;
    expect((await lead.ask('pushed', pushOf(told))).results).toEqual([{id: told.id, position: 1}]);
    expect((await lead.ask('pushed', {type: 'push', items: [{kind: 'change', change}]})).results).toEqual([
      {id: 'c1', position: 2},
    ]);
    const boss = await rig.join('boss', {role: 'admin'});
    expect(refusals((await boss.ask('pushed', pushOf(episode('boss/a/b')))).results)).toEqual(['taken']);
    const {entries} = await boss.ask('entries', {type: 'pull', since: 0, limit: 10});
    expect(entries).toMatchObject([
      {episode: {agentId: 'godel/alpha-01'}},
      {change: {by: 'godel/alpha-02'}},
      {episode: {agentId: 'boss/a/b'}},
    ]);
  });

  test('a worker and a reader may not, not even beneath their own names', async () => {
    const rig = await hub();
    const worker = await rig.join('godel');
    const {results} = await worker.ask('pushed', pushOf(episode('godel/alpha-01'), episode('godel')));
    expect(refusals(results)).toEqual(['forbidden', 'taken']);
    const reader = await rig.join('reader', {role: 'reader'});
    expect((await reader.ask('error', pushOf(episode('reader/a')))).code).toBe('forbidden');
  });

  test('names that only look as if they were beneath are refused, and names that are too long', async () => {
    const rig = await hub();
    const lead = await rig.join('godel', {role: 'coordinator'});
    const names = [
      'godelx/a',
      'godelx',
      'godel/',
      'Godel/a',
      ' godel/a',
      '/godel/a',
      'a/godel',
      'godel\\a',
      'godel/\0',
      'x',
    ];
    const longest = `godel/${'x'.repeat(194)}`;
    const {results} = await lead.ask('pushed', pushOf(...[...names, longest].map(name => episode(name))));
    expect(refusals(results)).toEqual([...names.map(() => 'forbidden'), 'taken']);
    expect((await lead.ask('error', pushOf(episode(`${longest}x`)))).code).toBe('bad-frame');
    // The ones above speak for nobody else, and nobody above for them.
    const beneath = await rig.join('godel/alpha-01', {role: 'coordinator'});
    const others = ['godel', 'godel/alpha-02', 'godel/alpha-01/x'];
    const judged = await beneath.ask('pushed', pushOf(...others.map(name => episode(name))));
    expect(refusals(judged.results)).toEqual(['forbidden', 'forbidden', 'taken']);
  });

  test('the same name in another tenant leads nobody here', async () => {
    const rig = await hub();
    const here = await rig.join('godel', {tenantId: 't1', role: 'coordinator'});
    const there = await rig.join('godel', {tenantId: 't2', role: 'admin'});
    const told = episode('godel/alpha-01');
    await here.ask('pushed', pushOf(told));
    const forget = {id: 'c', episode: told.id, by: 'godel/alpha-01', at: '0', kind: 'standing'} as const;
    const change = {...forget, standing: 'forgotten'} as const;
    const {results} = await there.ask('pushed', {type: 'push', items: [{kind: 'change', change}]});
    expect(refusals(results)).toEqual(['not-found']);
    await there.ask('pushed', pushOf(episode('godel/alpha-01', {task: 'of t2'})));
    const {entries} = await here.ask('entries', {type: 'pull', since: 0, limit: 10});
    expect(entries).toMatchObject([{episode: {id: told.id}}]);
  });

  test('a role that is taken back by a new token takes this with it', async () => {
    const rig = await hub();
    const lead = await rig.join('godel', {role: 'coordinator'});
    await lead.ask('ok', {type: 'refresh', token: rig.desk.issue('godel', {role: 'worker'})});
    const {results} = await lead.ask('pushed', pushOf(episode('godel/alpha-01')));
    expect(refusals(results)).toEqual(['forbidden']);
  });
});

test('5,000 damaged frames crash nothing, leak nothing, and each is answered or ends its connection', async () => {
  const rig = await hub({limits: {strikes: 1e9}});
  const victim = await rig.join('hidden', {tenantId: 't1'});
  await victim.ask('pushed', pushOf(episode('hidden', {task: SECRET})));
  let spy = await rig.join('spy', {tenantId: 't2'});
  let answered = 0;
  for (const [index, frame] of damagedFrames({seed: 7, count: 5000, agentId: 'spy'}).entries()) {
    if (spy.webSocket.readyState !== spy.webSocket.OPEN) spy = await rig.join('spy', {tenantId: 't2'});
    if (index % 2 === 0) spy.raw(frame);
    else spy.webSocket.send(Buffer.from(frame), {binary: index % 11 === 0});
    if (index % 250 !== 249) continue;
    await spy.ask('agents', {type: 'who'});
    expect(/launch code|hidden/.test(JSON.stringify(spy.frames))).toBe(false);
    answered += spy.frames.splice(0).length;
  }
  expect(answered).toBeGreaterThan(4000);
  expect(rig.events.filter(({kind}) => kind === 'unexpected')).toEqual([]);
  expect((await victim.ask('agents', {type: 'who'})).agents).toHaveLength(1);
  expect((await victim.ask('entries', {type: 'pull', since: 0, limit: 10})).entries).toHaveLength(1);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
