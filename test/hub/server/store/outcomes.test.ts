import fc from 'fast-check';
import {expect, test} from 'vitest';
import {NO_REPUTATION, reputationOf, trustOf, withOutcome} from '../../../../src/hub/security/reputation.ts';
import {verifyHubStore} from '../../../../src/hub/server/store/backup.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

const NOW = 1000;

const said = fc.record({
  of: fc.constantFrom('e1', 'e2', 'e3'),
  by: fc.constantFrom('alice', 'bob', 'carol'),
  success: fc.boolean(),
  at: fc.integer({min: 1, max: 20}),
});

test('what is kept is what the last word of each agent about each episode amounts to, in whatever order', () => {
  using rig = new StoreRig();
  const store = rig.open();
  let tenants = 0;
  fc.assert(
    fc.property(fc.array(said, {maxLength: 30}), all => {
      tenants += 1;
      const tenant = `t${tenants}`;
      store.append(tenant, [item({id: 'e1'}), item({id: 'e2'}), item({id: 'e3', agentId: 'bob'})]);
      const last = new Map<string, {by: string; author: string; success: boolean; at: number; id: string}>();
      for (const {of, by, success, at} of all) {
        const told = change(of, {kind: 'confirm', success}, {by, at: stamp(at)});
        store.append(tenant, [told]);
        const author = of === 'e3' ? 'bob' : 'alice';
        const {id} = told.change;
        const known = last.get(`${of} ${by}`);
        const isLater = known === undefined || at > known.at || (at === known.at && id > known.id);
        if (by !== author && isLater) last.set(`${of} ${by}`, {by, author, success, at, id});
      }
      for (const author of ['alice', 'bob']) {
        const words = [...last.values()].filter(word => word.author === author);
        const byAgent = new Map<string, typeof NO_REPUTATION>();
        for (const {by, success, at} of words) {
          byAgent.set(by, withOutcome(byAgent.get(by) ?? NO_REPUTATION, {held: success, atMs: at}));
        }
        const expected = reputationOf(byAgent.values(), NOW);
        const kept = store.reputation(tenant, author, NOW);
        expect(kept.good).toBeCloseTo(expected.good, 9);
        expect(kept.bad).toBeCloseTo(expected.bad, 9);
      }
    }),
    {numRuns: 50},
  );
});

test('what an agent says of itself is nothing, and what others said outlives what it forgets', () => {
  using rig = new StoreRig();
  const store = rig.open();
  store.append('a', [
    item({id: 'e1', agentId: 'mallory'}),
    item({id: 'e2', agentId: 'mallory'}),
    ...Array.from({length: 50}, (_, index) =>
      change('e1', {kind: 'confirm', success: true}, {by: 'mallory', at: stamp(index + 2)}),
    ),
  ]);
  expect(trustOf(store.reputation('a', 'mallory', NOW), NOW)).toBe(0.5);
  const refuted = ['bob', 'carol'].flatMap(by =>
    ['e1', 'e2'].map(of => change(of, {kind: 'confirm', success: false}, {by})),
  );
  store.append('a', refuted);
  const before = trustOf(store.reputation('a', 'mallory', NOW), NOW);
  expect(before).toBeCloseTo(1 / 6, 6);
  const forget = {kind: 'standing', standing: 'forgotten'} as const;
  store.append('a', [change('e1', forget, {by: 'mallory', at: stamp(99)}), change('e2', forget, {at: stamp(99)})]);
  store.flush();
  expect(store.get('a', 'e1')?.state.standing).toBe('forgotten');
  expect(trustOf(store.reputation('a', 'mallory', NOW), NOW)).toBe(before);
  expect(store.reputation('b', 'mallory', NOW)).toEqual(NO_REPUTATION);
  expect(store.reputations('a', NOW)).toMatchObject([{author: 'mallory', confirmers: 2}]);
});

test('a commit that fails takes its outcomes with it', () => {
  using rig = new StoreRig();
  const store = rig.open({limits: {fileBytes: 512 * 1024}});
  store.append('a', [item({id: 'e1'})]);
  expect(store.flush().ok).toBe(true);
  store.append('a', [change('e1', {kind: 'confirm', success: false})]);
  expect(store.reputation('a', 'alice', NOW).bad).toBeCloseTo(1);
  for (let fill = 0; fill < 100; fill += 1) store.append('a', [item({input: 'x'.repeat(10_000)})]);
  expect(store.flush().ok).toBe(false);
  expect(store.reputation('a', 'alice', NOW).bad).toBe(0);
});

test('a database from before there were outcomes has them when it is opened', () => {
  using rig = new StoreRig();
  const first = rig.open();
  first.append('a', [
    item({id: 'e1'}),
    change('e1', {kind: 'confirm', success: false}),
    change('e1', {kind: 'vote', value: 1}),
  ]);
  first.flush();
  const before = first.reputation('a', 'alice', NOW);
  first.close();
  rig.alter(
    `DROP TABLE outcomes; DROP TABLE critiques; DROP TABLE merged; DROP TABLE tallies; DROP TABLE merge_marks;
      DELETE FROM meta WHERE key = 'outcomes'; PRAGMA user_version = 1`,
  );
  expect(verifyHubStore({file: rig.file, seal: null})).toMatchObject({ok: true, value: {findings: []}});
  const again = rig.open();
  expect(again.verify().findings).toEqual([]);
  expect(again.reputation('a', 'alice', NOW)).toEqual(before);
  expect(before.bad).toBeGreaterThan(0.9);
  again.close();
  expect(rig.open().reputation('a', 'alice', NOW)).toEqual(before);
});

test('outcomes that count for nothing any more are forgotten', () => {
  using rig = new StoreRig();
  let nowMs = 1000;
  const store = rig.open({nowMs: () => nowMs});
  store.append('a', [item({id: 'e1'}), change('e1', {kind: 'confirm', success: false})]);
  expect(store.pruneOutcomes('a', 10)).toBe(0);
  nowMs += 400 * 86_400_000;
  expect(store.pruneOutcomes('a', 10)).toBe(1);
  expect(store.reputations('a', nowMs)).toEqual([]);
});
