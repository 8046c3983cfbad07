import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {HubMessage, Priority} from '../../../../src/model/hub.ts';
import {item} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

function message(id: string, priority: Priority = 'normal', body: unknown = null): HubMessage {
  return {id, from: 'x', to: 'bob', topic: null, kind: 'message', body, priority, correlationId: null, sentAtMs: 1};
}

describe('vectors', () => {
  it('are asked for once, kept over a restart, and made anew for another embedder', () => {
    {
      using store = rig.open();
      store.append('a', [item(), item(), item()]);
      store.append('b', [item()]);
      expect(store.vectors.unembedded('m', 2).map(({tenant, position}) => [tenant, position])).toEqual([
        ['a', 1],
        ['a', 2],
      ]);
      store.vectors.set('a', 'm', [
        {position: 2, bytes: Buffer.from('two')},
        {position: 9, bytes: Buffer.from('none')},
      ]);
      expect(store.vectors.unembedded('m', 9).map(({tenant, position}) => [tenant, position])).toEqual([
        ['a', 1],
        ['a', 3],
        ['b', 1],
      ]);
      store.vectors.set('a', 'm', [
        {position: 1, bytes: Buffer.from('one')},
        {position: 3, bytes: Buffer.from('three')},
      ]);
    }
    using store = rig.open();
    expect([store.vectors.unembeddedCount('m'), store.vectors.unembedded('m', 9).map(({tenant}) => tenant)]).toEqual([
      1,
      ['b'],
    ]);
    expect(store.vectors.after('a', 'm', {since: 1, limit: 1})).toEqual([{position: 2, bytes: Buffer.from('two')}]);
    expect(store.vectors.after('b', 'm', {since: 0, limit: 9})).toEqual([]);
    store.vectors.set('a', 'other', [{position: 1, bytes: Buffer.from('1')}]);
    expect([store.vectors.unembeddedCount('m'), store.vectors.unembeddedCount('other')]).toEqual([2, 3]);
    expect(store.vectors.after('a', 'm', {since: 0, limit: 9}).map(({position}) => position)).toEqual([2, 3]);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });
});

describe('sessions', () => {
  it('are active until they end, then past, and end with the hub', () => {
    {
      using store = rig.open();
      const start = (agent: string) =>
        store.sessions.start({tenant: 'a', agent, role: 'worker', session: null, startedAtMs: 5});
      const num = start('bob') ?? 0;
      start('eve');
      store.sessions.end(num, {atMs: 9, ending: 'left'});
      expect(store.sessions.list({tenant: 'a', state: 'active', limit: 9})).toMatchObject([
        {agent: 'eve', ending: null},
      ]);
      expect(store.sessions.list({tenant: 'a', state: 'past', limit: 9})).toMatchObject([
        {agent: 'bob', endedAtMs: 9, ending: 'left'},
      ]);
    }
    using store = rig.open();
    expect(store.sessions.list({tenant: 'a', state: 'active', limit: 9})).toEqual([]);
    expect(store.sessions.list({tenant: 'a', state: 'past', limit: 1})).toMatchObject([
      {agent: 'eve', endedAtMs: null, ending: 'hub-ended'},
    ]);
    expect([store.sessions.isKnown('a', 'bob'), store.sessions.isKnown('b', 'bob')]).toEqual([true, false]);
  });

  it('and audit rows are kept in bounded numbers, the latest', () => {
    const store = rig.open({limits: {pastSessions: 10, auditRows: 20, olderAuditRows: 30}});
    for (let made = 0; made < 1000; made += 1) {
      const num = store.sessions.start({
        tenant: 'a',
        agent: `${made}`,
        role: 'worker',
        session: null,
        startedAtMs: made,
      });
      store.sessions.end(num ?? 0, {atMs: made, ending: 'lost'});
      if (made % 2 === 0) store.audit.add({atMs: made, tenant: 'b', who: 'y', what: 'forget', detail: made});
      store.audit.add({atMs: made, tenant: 'a', who: 'x', what: 'push', detail: made});
    }
    const sessions = store.sessions.list({tenant: 'a', state: 'past', limit: 1000});
    const rows = store.audit.list({tenant: null, before: null, limit: 1000});
    expect([sessions[0]?.agent, rows[0]?.detail]).toEqual(['999', 999]);
    expect(sessions.length).toBeLessThan(10 + 257);
    expect(rows.length).toBeLessThan(20 + 30 + 257);
    // What is no routine is kept longer.
    const forgotten = store.audit.list({tenant: 'b', limit: 1000});
    const pushed = store.audit.list({tenant: 'a', limit: 1000});
    expect(forgotten.length).toBeGreaterThanOrEqual(30);
    expect(forgotten.at(-1)!.atMs).toBeLessThan(pushed.at(-1)!.atMs - 30);
    expect(store.audit.list({tenant: 'a', before: rows[0]?.num ?? 0, limit: 1})).toMatchObject([{detail: 998}]);
    expect(store.audit.list({tenant: 'c', before: null, limit: 1})).toEqual([]);
  });
});

describe('messages', () => {
  it('wait for their agent by priority and age, once, until taken or expired', () => {
    const store = rig.open();
    const add = (id: string, priority: Priority, expiresAtMs = 100) =>
      store.messages.add('a', 'bob', message(id, priority), expiresAtMs);
    expect([add('1', 'normal'), add('2', 'urgent'), add('3', 'normal'), add('4', 'low', 50), add('1', 'high')]).toEqual(
      ['kept', 'kept', 'kept', 'kept', 'known'],
    );
    const waiting = (nowMs: number) => store.messages.waiting('a', 'bob', {nowMs, limit: 9}).map(({id}) => id);
    expect([waiting(1), waiting(60)]).toEqual([
      ['2', '1', '3', '4'],
      ['2', '1', '3'],
    ]);
    expect(store.messages.waiting('b', 'bob', {nowMs: 1, limit: 9})).toEqual([]);
    store.messages.take('a', 'bob', ['1', '9']);
    expect([waiting(1), store.messages.expire(60), waiting(1)]).toEqual([['2', '3', '4'], 1, ['2', '3']]);
  });

  it('are bounded for each agent, in number and in bytes', () => {
    const store = rig.open({limits: {messagesPerAgent: 2, messageBytesPerAgent: 1000}});
    const add = (agent: string, id: string, body: unknown = null) =>
      store.messages.add('a', agent, message(id, 'normal', body), 100);
    expect([add('bob', '1'), add('bob', '2'), add('bob', '3'), add('eve', '1', 'x'.repeat(1000))]).toEqual([
      'kept',
      'kept',
      'full',
      'full',
    ]);
  });
});

describe('documents', () => {
  it('have one snapshot each, of a bounded size and in a bounded number', () => {
    const store = rig.open({limits: {documentsPerTenant: 1, documentBytes: 10}});
    const set = (name: string, text: string) => store.documents.set('a', {name, atMs: 1}, Buffer.from(text));
    expect([set('d', 'one'), set('d', 'two'), set('e', 'x'), set('d', 'x'.repeat(11))]).toEqual([
      'kept',
      'kept',
      'full',
      'too-large',
    ]);
    expect([store.documents.get('a', 'd')?.toString(), store.documents.get('b', 'd')]).toEqual(['two', null]);
    store.documents.remove('a', 'd');
    expect([store.documents.get('a', 'd'), set('e', 'x')]).toEqual([null, 'kept']);
  });
});

describe('credentials', () => {
  it('are keys of agents, revoked tokens and wrapped keys, in bounded numbers', () => {
    {
      using store = rig.open({limits: {keysPerAgent: 2, revokedTokens: 2}});
      const {credentials} = store;
      const key = (publicKey: string, sinceMs: number) => credentials.addKey('a', 'bob', {publicKey, sinceMs});
      expect([key('k1', 1), key('k2', 2), key('k1', 3), key('k3', 4)]).toEqual(['kept', 'kept', 'kept', 'full']);
      const revoke = (id: string, expiresAtMs: number) => credentials.revoke({id, expiresAtMs, atMs: 1});
      expect([revoke('t1', 10), revoke('t2', 20), revoke('t3', 30)]).toEqual(['kept', 'kept', 'full']);
      expect([credentials.dropRevoked(10), revoke('t3', 30)]).toEqual([1, 'kept']);
      credentials.setDataKey({tenantId: 'a', version: 1, masterId: 'm', wrapped: 'w1', createdAtMs: 1});
      credentials.setDataKey({tenantId: 'a', version: 1, masterId: 'n', wrapped: 'w2', createdAtMs: 1});
    }
    using store = rig.open();
    const {credentials} = store;
    expect(credentials.keys('a', 'bob')).toEqual([
      {publicKey: 'k1', sinceMs: 1},
      {publicKey: 'k2', sinceMs: 2},
    ]);
    expect([credentials.isRevoked('t1'), credentials.isRevoked('t3')]).toEqual([false, true]);
    expect(credentials.revoked().map(({id}) => id)).toEqual(['t2', 't3']);
    expect(credentials.dataKeys()).toMatchObject([{masterId: 'n', wrapped: 'w2'}]);
    expect(credentials.removeKeys('a', 'bob', 'k1')).toEqual(['k1']);
    expect(credentials.keys('a', 'bob')).toHaveLength(1);
  });
});

describe('episodes of an agent', () => {
  it('are listed, oldest first', () => {
    const store = rig.open();
    store.append('a', [item({id: '1', agentId: 'bob'}), item(), item({id: '3', agentId: 'bob'})]);
    expect(store.episodesOf('a', 'bob', {since: 0, limit: 9})).toEqual(['1', '3']);
    expect(store.episodesOf('a', 'bob', {since: 1, limit: 9})).toEqual(['3']);
  });
});
