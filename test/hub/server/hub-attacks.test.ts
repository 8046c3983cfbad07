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

describe('another tenant', () => {
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
