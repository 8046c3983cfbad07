import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {agentId, attemptId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import type {TaskState} from '../../src/model/task.ts';
import {taskSpec} from '../model/fabricated-specs.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import type {Store} from '../../src/store/store.ts';
import {legalRecords} from './legal-records.ts';
import {RecordFold} from './record-fold.ts';
import * as some from './sample-records.ts';

/** A place where one store lives: `reopen` closes it, if open, and opens it again with what it has kept. */
export interface StorePlace extends Disposable {
  reopen(): Store;
}

/** What every store promises. `makePlace` gives an empty place each time. */
export function storeConformance(name: string, makePlace: () => StorePlace): void {
  describe(`${name} as a store`, () => {
    keepsWhatIsCommitted(makePlace);
    guardsTheTruth(makePlace);
    answersQueries(makePlace);
    numbersEvents(makePlace);
  });
}

const T1 = teamId(1);

const EVERY_KIND: readonly EngineRecord[] = [
  some.host('h1'),
  some.host('h2'),
  some.host('h2', true),
  some.created(1),
  some.event(1, {type: 'team-spawned', name: 'audit', agents: 2, tasks: 3}),
  some.tasksCreated(1, [some.task(0), some.instance(1, {path: 'ü \u2028'}), some.instance(2, null)]),
  some.stateOf(1, 0, {name: 'expanded'}),
  some.leased(1, 1, 1),
  some.ended(1, null),
  some.stateOf(1, 1, {name: 'waiting'}, 0, 1),
  some.leased(1, 1, 2, 2),
  some.leased(1, 2, 3),
  some.ended(
    3,
    some.success({
      usage: {
        cpuSeconds: 0.5,
        maxRssBytes: 4096,
        usd: 0.1,
        inputTokens: 7,
        outputTokens: 8,
        cacheReadTokens: 9,
        cacheWriteTokens: null,
      },
    }),
  ),
  some.stateOf(1, 2, {name: 'succeeded'}),
  some.agents(1, {id: 'audit-01', standing: 'draining'}, {id: 'audit-10', standing: 'present'}),
  some.agents(1, {id: 'audit-03', standing: 'paused'}, {id: 'audit-01', standing: 'gone'}),
  some.settings(1, {paused: true}, {usd: 2, tokens: null}),
  {kind: 'team-state', id: T1, state: 'paused', ending: null, timer: {usedMs: 12.5, since: null}},
  some.settings(1, {strategy: {name: 'weighted', weights: {speed: 1, cost: 0, reliability: 2}}}, {usd: 3, tokens: 9}),
  // The budget stays as it was.
  some.settings(1, {paused: false}),
  {
    kind: 'team-state',
    id: T1,
    state: 'running',
    ending: null,
    timer: {usedMs: 12.5, since: {wallMs: 1, monoMs: 2.5, bootId: 'b'}},
  },
  {kind: 'team-state', id: T1, state: 'draining', ending: 'user'},
  some.event(null, {type: 'host-gone', host: 'h2' as never}),
  some.created(2, {plan: null}),
  some.planAdded(2, [taskSpec('more')], {secretNames: ['TOKEN', 'KEY']}),
  some.planAdded(2, [taskSpec('even more')], {repository: some.REPOSITORY}),
  some.tasksCreated(2, [some.task(0)]),
  some.finished(2, 'killed'),
  some.revived(2),
  some.finished(2, 'failed'),
  some.created(4),
  some.tasksCreated(4, [some.task(0)]),
  some.stateOf(4, 0, {name: 'cancelled', by: 'user'}, 1, 1, {attempts: 2}),
  {kind: 'team-state', id: teamId(4), state: 'draining', ending: 'user'},
  some.finished(4, 'killed'),
  some.revived(4),
  some.stateOf(4, 0, {name: 'waiting'}, 0, 0, {round: 2, attempts: 2}),
  some.created(3),
  some.agents(3, {id: 'audit-01', standing: 'gone'}),
  some.event(3),
  some.removed(3),
];

function keepsWhatIsCommitted(makePlace: () => StorePlace): void {
  it('shows records of every kind, at once and after it is opened again', () => {
    using place = makePlace();
    const fold = new RecordFold();
    for (const record of EVERY_KIND) fold.apply(record);
    const store = place.reopen();
    store.commit(EVERY_KIND);
    expectSame(store, fold);
    expectSame(place.reopen(), fold);
  });

  it('keeps its id', () => {
    using place = makePlace();
    const {id} = place.reopen();
    expect(id).toMatch(/./);
    expect(place.reopen().id).toBe(id);
  });

  it('shows the same state as a plain fold of any legal records, in any batches, with reopening in between', () => {
    fc.assert(
      fc.property(legalRecords, fc.array(fc.tuple(fc.integer({min: 1, max: 40}), fc.boolean())), (records, batches) => {
        using place = makePlace();
        const fold = new RecordFold();
        let store = place.reopen();
        let done = 0;
        for (const [size, reopen] of [...batches, [records.length, false] as const]) {
          const batch = records.slice(done, done + size);
          const before = fold.events().length;
          for (const record of batch) fold.apply(record);
          const stored = store.commit(batch);
          expect(stored).toHaveLength(batch.filter(({kind}) => kind === 'event').length);
          if (!batch.some(({kind}) => kind === 'team-removed')) expect(stored).toEqual(fold.events().slice(before));
          done += size;
          if (reopen) store = place.reopen();
        }
        expectSame(store, fold);
        expectSame(place.reopen(), fold);
      }),
      {numRuns: 60},
    );
  });

  it('gives out no number twice, also when what bore it is removed', () => {
    using place = makePlace();
    const store = place.reopen();
    store.commit([
      some.created(1),
      some.tasksCreated(1, [some.task(0)]),
      some.leased(1, 0, 5),
      some.event(1),
      some.ended(5, null),
      some.finished(1),
      some.removed(1),
    ]);
    const again = place.reopen();
    expect(again.load()).toMatchObject({nextTeamId: 2, nextAttemptId: 6, teams: []});
    expect(again.commit([some.event(null)])).toMatchObject([{cursor: 2, seq: 1}]);
  });
}

function guardsTheTruth(makePlace: () => StorePlace): void {
  function storeWithTask(place: StorePlace): Store {
    const store = place.reopen();
    store.commit([some.created(1), some.tasksCreated(1, [some.task(0), some.task(1)]), some.leased(1, 0, 1)]);
    return store;
  }

  it('commits all of a batch or nothing', () => {
    using place = makePlace();
    const store = storeWithTask(place);
    const before = everything(store);
    const batch = [some.event(1), some.host('h9'), some.ended(1, some.success()), some.created(2)];
    expect(() => store.commit([...batch, some.ended(77, null)])).toThrow('Internal error');
    expect(everything(store)).toEqual(before);
    expect(store.commit(batch)).toMatchObject([{cursor: 1, seq: 1}]);
    expect(store.load().teams[0]?.openAttempts).toEqual([]);
    expect(store.load().nextTeamId).toBe(3);
  });

  const terminal: TaskState[] = [
    {name: 'succeeded'},
    {name: 'failed', failure: {reason: 'timed-out', timeoutMs: 5}},
    {name: 'skipped', because: {cause: 'condition', task: null}},
    {name: 'cancelled', by: 'user'},
  ];

  it.each(terminal)('never changes a task that has $name', state => {
    using place = makePlace();
    const store = storeWithTask(place);
    store.commit([some.stateOf(1, 1, state)]);
    for (const next of [...terminal, {name: 'waiting'} as const, {name: 'expanded'} as const]) {
      expect(() => store.commit([some.stateOf(1, 1, next)])).toThrow('Internal error');
    }
    expect(place.reopen().tasks(T1)[1]).toMatchObject({state});
  });

  it.each(terminal)('lets a task that has $name begin its next round', state => {
    using place = makePlace();
    const store = storeWithTask(place);
    store.commit([some.stateOf(1, 1, state, 2, 1, {attempts: 3})]);
    store.commit([some.stateOf(1, 1, {name: 'waiting'}, 0, 0, {round: 2, attempts: 3})]);
    expect(place.reopen().tasks(T1)[1]).toMatchObject({state: {name: 'waiting'}, round: 2, attempts: 3, failures: 0});
    place.reopen().commit([some.stateOf(1, 1, state, 1, 0, {round: 2, attempts: 4})]);
    const again = some.stateOf(1, 1, {name: 'waiting'}, 0, 0, {round: 2, attempts: 4});
    expect(() => place.reopen().commit([again])).toThrow('Internal error');
  });

  it('records the end of an attempt once', () => {
    using place = makePlace();
    const store = storeWithTask(place);
    store.commit([some.ended(1, some.success())]);
    expect(() => store.commit([some.ended(1, null)])).toThrow('Internal error');
    expect(() => place.reopen().commit([some.ended(1, null)])).toThrow('Internal error');
    expect(place.reopen().attempts(T1)).toMatchObject([{outcome: some.success()}]);
  });

  it('loads a team that is over, which may be revived once', () => {
    using place = makePlace();
    const store = storeWithTask(place);
    store.commit([some.ended(1, some.success()), some.stateOf(1, 0, {name: 'succeeded'}), some.finished(1, 'failed')]);
    expect(place.reopen().loadTeam(T1)).toMatchObject({
      state: 'failed',
      isStandby: false,
      tasks: [{state: {name: 'succeeded'}}, {state: {name: 'waiting'}}],
      openAttempts: [],
      totals: {attempts: 1},
    });
    expect(place.reopen().loadTeam(teamId(7))).toBeNull();
    place.reopen().commit([some.revived(1)]);
    expect(() => place.reopen().commit([some.revived(1)])).toThrow('Internal error');
    expect(place.reopen().load()).toMatchObject({teams: [{id: T1, state: 'running', ending: null}], over: []});
  });

  it('changes nothing of a team that is over', () => {
    using place = makePlace();
    const store = place.reopen();
    store.commit([some.created(1), some.finished(1)]);
    const draining = {kind: 'team-state', id: T1, state: 'draining', ending: 'user'} as const;
    expect(() => store.commit([draining])).toThrow('Internal error');
    expect(() => store.commit([some.finished(1, 'failed')])).toThrow('Internal error');
    expect(() => store.commit([some.created(1)])).toThrow();
    expect(store.teams()).toMatchObject([{state: 'succeeded'}]);
  });
}

function answersQueries(makePlace: () => StorePlace): void {
  it('lists tasks by state, by id and in pages', () => {
    using place = makePlace();
    const store = place.reopen();
    store.commit([
      some.created(1),
      some.created(2),
      some.tasksCreated(
        1,
        [0, 1, 2, 3, 4].map(seq => some.task(seq)),
      ),
      some.tasksCreated(2, [some.task(0)]),
      some.stateOf(1, 1, {name: 'succeeded'}),
      some.stateOf(1, 3, {name: 'cancelled', by: 'user'}),
      some.leased(1, 4, 1),
    ]);
    const seqs = (query: Parameters<Store['tasks']>[1]) => store.tasks(T1, query).map(({seq}) => seq);
    expect(seqs(undefined)).toEqual([0, 1, 2, 3, 4]);
    expect(seqs({states: ['waiting']})).toEqual([0, 2]);
    expect(seqs({states: ['succeeded', 'cancelled', 'running']})).toEqual([1, 3, 4]);
    expect(seqs({states: []})).toEqual([]);
    expect(seqs({id: 'task-3'})).toEqual([3]);
    expect(seqs({id: 'nobody'})).toEqual([]);
    expect(seqs({after: taskSeq(1), limit: 2})).toEqual([2, 3]);
    expect(seqs({states: ['waiting'], after: taskSeq(0), limit: 1})).toEqual([2]);
    expect(store.tasks(teamId(9))).toEqual([]);
  });

  it('shows a leased task as running until its end, and loads it as it was recorded', () => {
    using place = makePlace();
    const store = place.reopen();
    const now = () => store.tasks(T1).map(({state}) => state);
    const recorded = () => store.load().teams[0]?.tasks.map(({state}) => state);
    store.commit([some.created(1), some.tasksCreated(1, [some.task(0)]), some.leased(1, 0, 1)]);
    expect([now(), recorded()]).toEqual([[{name: 'running', attempt: 1}], [{name: 'waiting'}]]);
    store.commit([some.stateOf(1, 0, {name: 'verifying', attempt: attemptId(1)})]);
    expect(now()).toEqual([{name: 'verifying', attempt: 1}]);
    store.commit([some.ended(1, null), some.stateOf(1, 0, {name: 'backing-off', untilWallMs: 5})]);
    expect([now(), recorded()]).toEqual([
      [{name: 'backing-off', untilWallMs: 5}],
      [{name: 'backing-off', untilWallMs: 5}],
    ]);
    store.commit([some.leased(1, 0, 2, 2)]);
    expect(now()).toEqual([{name: 'running', attempt: 2}]);
    expect(place.reopen().tasks(T1, {states: ['running']})).toHaveLength(1);
  });

  it('lists the attempts of a team or of one task', () => {
    using place = makePlace();
    const store = place.reopen();
    store.commit([
      some.created(1),
      some.created(2),
      some.tasksCreated(1, [some.task(0), some.task(1)]),
      some.tasksCreated(2, [some.task(0)]),
      some.leased(1, 0, 1),
      some.leased(1, 1, 2),
      some.leased(2, 0, 3),
      some.ended(1, null),
      some.leased(1, 0, 4, 2),
    ]);
    expect(store.attempts(T1).map(({id}) => id)).toEqual([1, 2, 4]);
    expect(store.attempts(T1, taskSeq(0))).toMatchObject([
      {id: 1, taskId: 'task-0', number: 1, endedAtMs: 1_700_000_001_000, outcome: null},
      {id: 4, taskId: 'task-0', number: 2, endedAtMs: null, outcome: null},
    ]);
    expect(store.attempts(teamId(9))).toEqual([]);
  });

  it('adds up what prompts have cost, by task, agent and model, and keeps what is unknown apart', () => {
    using place = makePlace();
    const store = place.reopen();
    const cap = {usd: 2, tokens: 500};
    const done = (usd: number | null, inputTokens: number | null) =>
      some.success({usage: {...UNKNOWN_USAGE, usd, inputTokens, outputTokens: inputTokens}});
    const by = (agent: string, model: string | null) => ({
      agentId: agentId(agent),
      means: some.means('claude', model, cap),
    });
    store.commit([
      some.created(1),
      some.tasksCreated(1, [some.task(0), some.task(1), some.task(2)]),
      some.leased(1, 0, 1),
      some.ended(1, done(null, null)),
      some.leased(1, 0, 2, 2, by('a', 'haiku')),
      some.ended(2, done(0.5, 100)),
      some.leased(1, 1, 3, 1, by('b', null)),
      some.ended(3, null),
      some.leased(1, 1, 4, 2, by('b', 'haiku')),
      some.ended(4, done(0.25, null)),
      some.leased(1, 2, 5, 1, by('a', 'haiku')),
    ]);
    const {totals, byTask, byAgent, byModel} = store.cost(T1);
    expect(totals).toEqual({
      attempts: 4,
      running: 1,
      usd: 0.75,
      unpriced: 1,
      uncounted: 2,
      unsettledUsd: 2,
      unsettledTokens: 1000,
      reservedUsd: 2,
      reservedTokens: 500,
      inputTokens: 100,
      outputTokens: 100,
      cacheReadTokens: null,
      cacheWriteTokens: null,
    });
    const brief = ({rows}: typeof byTask) =>
      rows.map(({name, attempts, usd, unpriced}) => [name, attempts, usd, unpriced]);
    expect(brief(byTask)).toEqual([
      ['task-0', 1, 0.5, 0],
      ['task-1', 2, 0.25, 1],
      ['task-2', 1, null, 0],
    ]);
    expect(brief(byAgent)).toEqual([
      ['a', 2, 0.5, 0],
      ['b', 2, 0.25, 1],
    ]);
    expect(brief(byModel)).toEqual([
      ['claude/haiku', 3, 0.75, 0],
      ['claude', 1, null, 1],
    ]);
    expect(store.cost(teamId(9))).toMatchObject({totals: {attempts: 0, usd: null}, byTask: {rows: [], omitted: 0}});
  });

  it('lists the dearest thousand tasks, and says how many it leaves out', () => {
    using place = makePlace();
    const store = place.reopen();
    const means = some.means('pi', 'm', {usd: null, tokens: null});
    store.commit([
      some.created(1),
      some.tasksCreated(
        1,
        Array.from({length: 1003}, (_, seq) => some.task(seq)),
      ),
      ...Array.from({length: 1003}, (_, seq) => [
        some.leased(1, seq, seq + 1, 1, {means}),
        some.ended(seq + 1, some.success({usage: {...UNKNOWN_USAGE, usd: seq}})),
      ]).flat(),
    ]);
    const {byTask, totals} = store.cost(T1);
    expect([byTask.rows.length, byTask.omitted, byTask.rows[0]?.name]).toEqual([1000, 3, 'task-1002']);
    expect(totals.usd).toBe((1002 * 1003) / 2);
  });

  it('creates 100,000 tasks in one commit within seconds and loads them again', () => {
    using place = makePlace();
    const store = place.reopen();
    const tasks = Array.from({length: 100_000}, (_, seq) => some.instance(seq, `node_modules/package-${seq}`));
    const started = performance.now();
    store.commit([some.created(1), some.tasksCreated(1, tasks)]);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(store.load().teams[0]?.tasks).toHaveLength(100_000);
  });
}

function numbersEvents(makePlace: () => StorePlace): void {
  it('numbers events without gaps, over the project and within each team, also after reopening', () => {
    using place = makePlace();
    const first = place
      .reopen()
      .commit([some.created(1), some.created(2), some.event(1), some.event(2), some.event(1)]);
    expect(first.map(({cursor, seq}) => [cursor, seq])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
    const store = place.reopen();
    const second = store.commit([some.event(null), some.event(2), some.event(1), some.event(null)]);
    expect(second.map(({cursor, seq}) => [cursor, seq])).toEqual([
      [4, 1],
      [5, 2],
      [6, 3],
      [7, 2],
    ]);
    expect(store.events({after: 0, limit: 100})).toEqual([...first, ...second]);
    expect(store.events({after: 2, limit: 3}).map(({cursor}) => cursor)).toEqual([3, 4, 5]);
    expect(store.events({teamId: T1, after: 1, limit: 100}).map(({seq}) => seq)).toEqual([2, 3]);
    expect(store.events({teamId: T1, after: 0, limit: 1}).map(({seq}) => seq)).toEqual([1]);
    const ofNone = [...first, ...second].filter(({teamId: team}) => team === null);
    expect(ofNone.length).toBeGreaterThan(0);
    expect(store.events({teamId: null, after: 0, limit: 100})).toEqual(ofNone);
    expect(store.events({after: 7, limit: 100})).toEqual([]);
    expect(store.events({after: 0, limit: 0})).toEqual([]);
  });

  it('gives back many events of one commit from any place among them', () => {
    using place = makePlace();
    const store = place.reopen();
    store.commit([some.created(1), some.created(2)]);
    const stored = store.commit(Array.from({length: 2000}, (_, index) => some.event(index % 700 === 0 ? 2 : 1)));
    for (const after of [0, 1, 255, 256, 257, 1399, 1401, 1999]) {
      expect(store.events({after, limit: 300})).toEqual(stored.slice(after, after + 300));
      const ofTeam = stored.filter(({teamId, cursor}) => teamId === 1 && cursor > after);
      expect(store.events({teamId: T1, after, limit: 300})).toEqual(ofTeam.slice(0, 300));
    }
  });

  it('trims the oldest events that no running team needs, and goes on counting', () => {
    using place = makePlace();
    const store = place.reopen();
    const events = (team: number | null, count: number) => Array.from({length: count}, () => some.event(team));
    store.commit([some.created(1), some.created(2), ...events(1, 400), ...events(2, 300), ...events(1, 50)]);
    expect(store.trimEvents(10)).toBe(0);
    store.commit([some.finished(1)]);
    expect(store.trimEvents(750)).toBe(0);
    expect(store.trimEvents(743)).toBe(7);
    expect(store.events({teamId: T1, after: 0, limit: 1})).toMatchObject([{cursor: 8, seq: 8}]);
    expect(store.trimEvents(320)).toBe(423);
    expect(store.events({teamId: T1, after: 0, limit: 1})).toMatchObject([{cursor: 731, seq: 431}]);
    expect(store.trimEvents(0)).toBe(20);
    expect(store.events({after: 0, limit: 1000})).toHaveLength(300);
    const again = place.reopen();
    expect(again.commit([some.event(1), some.event(2)])).toMatchObject([
      {cursor: 751, seq: 451},
      {cursor: 752, seq: 301},
    ]);
  });
}

function expectSame(store: Store, fold: RecordFold): void {
  expect(store.load()).toEqual(fold.load());
  expect(store.teams()).toEqual(fold.teams());
  for (const {id} of fold.teams()) {
    expect(store.loadTeam(id)).toEqual(fold.loadTeam(id));
    expect(store.tasks(id)).toEqual(fold.tasks(id));
    expect(store.attempts(id)).toEqual(fold.attempts(id));
    expect(store.cost(id)).toEqual(fold.costs(id));
    const own = fold.events().filter(event => event.teamId === id);
    expect(store.events({teamId: id, after: 0, limit: 10_000})).toEqual(own);
  }
  expect(store.events({after: 0, limit: 10_000})).toEqual(fold.events());
}

function everything(store: Store) {
  const teams = store.teams();
  return {
    state: store.load(),
    teams,
    tasks: teams.map(({id}) => store.tasks(id)),
    attempts: teams.map(({id}) => store.attempts(id)),
    events: store.events({after: 0, limit: 10_000}),
  };
}
