import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {isWithinShare, LEAST_SAMPLES, mayRunTwice, mostTwins, spreadOf} from '../../src/federation/speculation.ts';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import {type AttemptId, hostId, type TeamId} from '../../src/model/ids.ts';
import {DEFAULT_SPECULATE, type Speculate, speculateOf} from '../../src/model/speculate.ts';
import type {CommandTask, PromptTask, TaskSpec} from '../../src/model/task.ts';
import {EngineWorld, failing, hostRecord, SUCCESS, task} from './engine-world.ts';

const durations = fc.array(fc.integer({min: 0, max: 100_000}), {maxLength: 60});

describe('what takes too long', () => {
  it('is not said of fewer than five', () => {
    fc.assert(fc.property(durations, ms => (spreadOf(ms) === null) === ms.length < LEAST_SAMPLES));
  });

  it('is nothing that is within the 95th percentile, nor within three deviations of the median', () => {
    fc.assert(
      fc.property(durations, ms => {
        const spread = spreadOf(ms);
        if (!spread) return;
        const {limitMs, p95Ms, medianMs, madMs, samples} = spread;
        expect(samples).toBe(ms.length);
        expect(limitMs).toBeGreaterThanOrEqual(p95Ms);
        expect(limitMs).toBeGreaterThanOrEqual(medianMs + 3 * madMs);
        expect(limitMs).toBeGreaterThanOrEqual(200);
        expect(ms.filter(each => each > limitMs).length).toBeLessThanOrEqual(ms.length * 0.05);
        expect(medianMs).toBeLessThanOrEqual(p95Ms);
      }),
    );
  });

  it('does not depend on their order, and grows with them', () => {
    fc.assert(
      fc.property(durations, fc.integer({min: 2, max: 10}), (ms, times) => {
        const limit = spreadOf(ms)?.limitMs ?? 0;
        expect(spreadOf(ms.toReversed())?.limitMs ?? 0).toBe(limit);
        expect(spreadOf(ms.map(each => each * times))?.limitMs ?? 0).toBeGreaterThanOrEqual(limit);
      }),
    );
  });

  it('is said with its numbers', () => {
    expect(spreadOf([100, 300, 200, 400, 1000])).toEqual({
      limitMs: 1500,
      samples: 5,
      medianMs: 300,
      p95Ms: 1000,
      madMs: 100,
    });
    expect(spreadOf([1, 1, 1, 1, 1])?.limitMs).toBe(200);
  });
});

describe('what may run twice at a time', () => {
  const may = (changes: Partial<CommandTask>, speculate = DEFAULT_SPECULATE) =>
    mayRunTwice(task('a', changes), speculate);
  const prompt: PromptTask = {...task('a', {workspace: 'worktree'}), run: undefined, prompt: ['Do it']};

  it('is a command that says so or has a worktree, unless it or its plan says otherwise', () => {
    expect(may({})).toBe(false);
    expect(may({idempotent: true})).toBe(true);
    expect(may({workspace: 'worktree'})).toBe(true);
    expect(may({workspace: 'worktree', idempotent: false})).toBe(false);
    expect(may({idempotent: true}, {...DEFAULT_SPECULATE, commands: false})).toBe(false);
  });

  it('is a prompt only where the plan asks for it, and never a review', () => {
    const asked = {...DEFAULT_SPECULATE, prompts: true};
    expect(mayRunTwice(prompt, DEFAULT_SPECULATE)).toBe(false);
    expect(mayRunTwice({...prompt, idempotent: true}, DEFAULT_SPECULATE)).toBe(false);
    expect(mayRunTwice(prompt, asked)).toBe(true);
    expect(mayRunTwice({...prompt, idempotent: false}, asked)).toBe(false);
    expect(mayRunTwice({...prompt, reviews: 'b'}, asked)).toBe(false);
  });

  it('has its share of the budget, or of the attempts where there is none', () => {
    const means = {cap: {usd: 1, tokens: 1000}};
    const none = {usd: 0, tokens: 0, attempts: 0};
    const at = (limit: {usd: number | null; tokens: number | null}, spent = none, attempts = 0) =>
      isWithinShare(means, {share: 0.1, spent, limit, attempts});
    expect(at({usd: 10, tokens: null})).toBe(true);
    expect(at({usd: 9, tokens: null})).toBe(false);
    expect(at({usd: 20, tokens: null}, {...none, usd: 1})).toBe(true);
    expect(at({usd: 20, tokens: null}, {...none, usd: 1.5})).toBe(false);
    expect(at({usd: 100, tokens: 9000})).toBe(false);
    expect(at({usd: null, tokens: null}, none, 9)).toBe(false);
    expect(at({usd: null, tokens: null}, none, 10)).toBe(true);
    expect(at({usd: null, tokens: null}, {...none, attempts: 1}, 19)).toBe(false);
    expect(isWithinShare(undefined, {share: 0, spent: none, limit: {usd: 0, tokens: 0}, attempts: 0})).toBe(true);
    expect([1, 9, 10, 11, 50].map(mostTwins)).toEqual([1, 1, 1, 2, 5]);
  });
});

const TOOK_1S: AttemptOutcome = {...SUCCESS, durationMs: 1000};
const safe = (id: string, changes: Partial<CommandTask> = {}) => task(id, {idempotent: true, ...changes});
const five = ['a', 'b', 'c', 'd', 'e'];

/** Five of its kind have taken a second each; `slow` has not ended, and `others` wait for nothing either. */
function withStraggler({
  slow = {},
  others = [],
  count = 8,
  ...spec
}: {
  slow?: Partial<CommandTask>;
  others?: readonly TaskSpec[];
  count?: number;
  retries?: number;
  speculate?: Partial<Speculate>;
} = {}) {
  const world = new EngineWorld();
  const id = world.start([...five.map(each => safe(each)), safe('slow', slow), ...others], {count, ...spec});
  world.later(1000);
  for (const each of five) world.finish(each, TOOK_1S);
  return {world, id, first: world.attemptOf('slow')};
}

/** The same with the second attempt. */
function withTwin(options: Parameters<typeof withStraggler>[0] = {}) {
  const {world, id, first} = withStraggler(options);
  world.later(500);
  const second = world.attemptOf('slow');
  if (second === first) throw new Error('there is no second attempt');
  return {world, id, first, second};
}

const end = (world: EngineWorld, attempt: AttemptId, outcome: AttemptOutcome = TOOK_1S) =>
  world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
const stops = (world: EngineWorld) =>
  world.effects.flatMap(effect => (effect.type === 'stop-attempts' ? [[effect.by, ...effect.attempts]] : []));
const stopped = (by: 'lost-race' | 'user' | 'agent-killed') => failing({reason: 'stopped', by});
const attemptsAt = (world: EngineWorld, taskId: string) =>
  world.assigned().flatMap(each => (each.taskId === taskId ? [each.attempt] : []));
const outcomesOf = (world: EngineWorld, ...attempts: AttemptId[]) =>
  attempts.map(attempt =>
    world.records.flatMap(record => (record.kind === 'attempt-ended' && record.id === attempt ? [record.outcome] : [])),
  );
const reconnect = (world: EngineWorld, holds: AttemptId[]) => {
  const agents = world.effects.flatMap(effect => (effect.type === 'open-agents' ? effect.agents : []));
  world.give({type: 'host-connected', host: hostRecord(world.host), holds, agents, teams: []});
};

describe('a straggler', () => {
  it('gets a second attempt by another agent when its time is over, by the clock alone', () => {
    const {world, id, first} = withStraggler();
    world.later(50);
    expect(world.engine.nextDeadlineMs()).toBe(2500);
    world.later(449);
    expect(attemptsAt(world, 'slow')).toEqual([first]);
    world.later(1);
    const [, second] = attemptsAt(world, 'slow');
    expect(world.events('attempt-speculated')).toEqual([
      {
        type: 'attempt-speculated',
        task: 'slow',
        attempt: second,
        twinOf: first,
        why: {elapsedMs: 1500, limitMs: 1500, samples: 5, medianMs: 1000, p95Ms: 1000, madMs: 0},
      },
    ]);
    const [one, two] = world.assigned().filter(({taskId}) => taskId === 'slow');
    expect(two).toMatchObject({number: 2, race: 1});
    expect(one).toMatchObject({number: 1, race: 1});
    expect(two?.agentId).not.toBe(one?.agentId);
    expect(world.view(id)).toMatchObject({tasks: {running: 1}, attempts: 7, agents: {busy: 2}});
    expect(world.view(id).running.map(({attempt}) => attempt)).toEqual([1, 2]);
    world.later(100_000);
    expect(attemptsAt(world, 'slow')).toHaveLength(2);
  });

  it('gets none when it may not run twice, nobody else is free, or something waits for an agent', () => {
    for (const slow of [{idempotent: false}, {run: 'something else'}] as const) {
      const {world} = withStraggler({slow});
      world.later(60_000);
      expect(attemptsAt(world, 'slow')).toHaveLength(1);
    }
    const alone = new EngineWorld();
    alone.start(
      [...five, 'slow'].map(each => safe(each)),
      {count: 1},
    );
    for (const each of five) alone.finish(each, TOOK_1S);
    alone.later(60_000);
    expect(attemptsAt(alone, 'slow')).toHaveLength(1);
  });

  it('gets one or none as the plan or, where it does not say it, the configuration wants that', () => {
    const {world} = withStraggler({speculate: {commands: false}});
    world.later(60_000);
    expect(attemptsAt(world, 'slow')).toHaveLength(1);
    const configured = {prompts: true};
    expect(speculateOf({plan: null})).toEqual(DEFAULT_SPECULATE);
    expect(speculateOf({speculate: configured, plan: {speculate: {commands: false}}})).toEqual({
      commands: false,
      prompts: true,
      budgetShare: 0.1,
    });
    expect(speculateOf({speculate: configured, plan: {speculate: {prompts: false}}}).prompts).toBe(false);
  });

  it('gets none as long as every agent has something to do, and one as soon as one is free', () => {
    const more = [0, 1, 2, 3, 4].map(each => task(`more ${each}`));
    const {world} = withStraggler({others: more, count: 6});
    world.later(5000);
    expect(attemptsAt(world, 'slow')).toHaveLength(1);
    world.finish('more 0');
    expect(attemptsAt(world, 'slow')).toHaveLength(2);
  });

  it('gets none while it is held, and not for the time for which it was', () => {
    const {world, id} = withStraggler();
    world.ask({type: 'pause', teamId: id, agent: null});
    world.later(60_000);
    world.ask({type: 'resume', teamId: id, agent: null});
    world.later(1499);
    expect(attemptsAt(world, 'slow')).toHaveLength(1);
    world.later(1);
    expect(attemptsAt(world, 'slow')).toHaveLength(2);
  });

  it('counts against `max-parallel`', () => {
    const items = [1, 2, 3, 4, 5, 6];
    for (const [maxParallel, want] of [
      [6, 2],
      [1, 1],
    ] as const) {
      const world = new EngineWorld();
      world.start([safe('each', {foreach: {from: 'list', items}, maxParallel})], {count: 8});
      for (const item of items.slice(0, 5)) world.finish(`each[${item}]`, TOOK_1S);
      world.later(60_000);
      expect(attemptsAt(world, 'each[6]')).toHaveLength(want);
    }
  });

  it('asks for a permit that it lacks', () => {
    const {world} = withStraggler();
    world.permits = 1;
    world.give({type: 'permits', permits: 1, why: null});
    world.later(500);
    expect(attemptsAt(world, 'slow')).toHaveLength(1);
    world.give({type: 'permits', permits: 2, why: null});
    expect(attemptsAt(world, 'slow')).toHaveLength(2);
  });

  it('has its second attempt on another host, if there is one with a free agent', () => {
    const world = new EngineWorld();
    const other = hostId('h2');
    const id = world.start(
      [...five, 'slow'].map(each => safe(each)),
      {count: 7},
    );
    world.connect(other);
    world.ask({type: 'scale-team', teamId: id, change: {count: 9}});
    for (const each of five) world.finish(each, TOOK_1S);
    world.later(1500);
    expect(world.effects.findLast(({type}) => type === 'assign')).toMatchObject({hostId: other});
  });
});

describe('of two attempts', () => {
  it('the first to succeed counts, and the other is stopped', () => {
    for (const [winner, loser] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const {world, id, first, second} = withTwin();
      const [won, lost] = [[first, second][winner]!, [first, second][loser]!];
      end(world, won);
      expect(stops(world)).toEqual([['lost-race', lost]]);
      expect(world.events('task-succeeded').at(-1)).toMatchObject({task: 'slow', attempt: won});
      expect(world.view(id)).toMatchObject({state: 'running', tasks: {succeeded: 6}, agents: {busy: 1}});
      end(world, lost, stopped('lost-race'));
      expect(world.view(id)).toMatchObject({state: 'succeeded', retries: 0, attempts: 7});
      expect(world.events('attempt-failed')).toEqual([]);
      expect(world.events('task-succeeded')).toHaveLength(6);
    }
  });

  it('one that succeeds too late has come to nothing, but what it used is counted', () => {
    const {world, id, first, second} = withTwin();
    const late = {...TOOK_1S, outputBytes: 7, usage: {...SUCCESS.usage, cpuSeconds: 5}};
    end(world, second);
    end(world, first, late);
    expect(outcomesOf(world, first)).toEqual([[{...late, outputBytes: null, result: stopped('lost-race').result}]]);
    expect(world.view(id)).toMatchObject({state: 'succeeded', usage: {cpuSeconds: 5}});
    expect(world.events('task-succeeded')).toHaveLength(6);
  });

  it('one that fails leaves the task to the other, and uses up no retry', () => {
    const {world, id, first, second} = withTwin({slow: {retries: 1}});
    end(world, first, failing());
    expect(world.events('attempt-failed')).toMatchObject([{attempt: first, retryInMs: null, goesOn: second}]);
    expect(world.view(id)).toMatchObject({tasks: {running: 1}, retries: 0});
    end(world, second);
    expect(world.view(id)).toMatchObject({state: 'succeeded', retries: 0});
  });

  it('the second one gets no third one beside it, so that its failure counts', () => {
    const others = [task('hold', {run: 'hold'}), safe('late', {needs: ['hold']})];
    const {world, id, first, second} = withTwin({others, count: 20});
    end(world, first, failing({reason: 'timed-out', timeoutMs: 1}));
    world.later(60_000);
    world.finish('hold');
    world.finish('late', TOOK_1S);
    world.later(60_000);
    expect(attemptsAt(world, 'slow')).toEqual([first, second]);
    end(world, second, failing({reason: 'timed-out', timeoutMs: 1}));
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1}});
  });

  it('both may fail, which is one failure', () => {
    const {world, id, first, second} = withTwin({slow: {retries: 1}});
    end(world, second, failing());
    end(world, first, failing());
    expect(world.view(id)).toMatchObject({tasks: {ready: 1}, retries: 1});
    world.later(2000);
    const third = world.attemptOf('slow');
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'slow', number: 3, race: 3});
    end(world, third, failing());
    expect(world.view(id)).toMatchObject({state: 'failed', retries: 1});
  });

  it('the number of one that is over is not used again after a restart, while the other one goes on', () => {
    const {world, id, first, second} = withTwin({slow: {retries: 1}});
    end(world, second, failing());
    const again = world.restarted();
    again.connect(world.host, [first]);
    end(again, first, failing());
    again.later(2000);
    expect(again.assigned().at(-1)).toMatchObject({taskId: 'slow', number: 3});
    expect(again.view(id)).toMatchObject({tasks: {running: 1}});
  });

  it('one may be lost with its host, or with its agent', () => {
    const {world, id, first, second} = withTwin();
    const agent = world.assigned().find(({attempt}) => attempt === second)!.agentId;
    world.ask({type: 'agent-order', teamId: id, agent, what: 'kill'});
    expect(stops(world)).toEqual([['agent-killed', second]]);
    end(world, second, stopped('agent-killed'));
    expect(world.view(id)).toMatchObject({tasks: {running: 1}});
    expect(attemptsAt(world, 'slow')).toEqual([first, second]);
    world.give({type: 'host-gone', hostId: world.host});
    const other = hostId('h2');
    world.connect(other);
    world.give({type: 'strays-gone', hostId: other, attempts: [first]});
    expect(world.view(id)).toMatchObject({tasks: {running: 1}});
    expect(attemptsAt(world, 'slow')).toHaveLength(3);
  });

  it('both are stopped when the team is ended', () => {
    const {world, id, first, second} = withTwin();
    world.give({type: 'end-team', request: 5, teamId: id, by: 'user'});
    expect(stops(world)).toEqual([['user', first, second]]);
    end(world, second, stopped('user'));
    expect(world.view(id).state).toBe('draining');
    end(world, first, stopped('user'));
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {cancelled: 1}});
  });

  it('both are held while the team is paused, but for one that has lost', () => {
    const {world, id, first, second} = withTwin();
    world.ask({type: 'pause', teamId: id, agent: null});
    const held = () =>
      world.effects.flatMap(effect => (effect.type === 'pause-attempts' ? [[effect.paused, ...effect.attempts]] : []));
    expect(held()).toEqual([[true, first, second]]);
    end(world, second);
    expect(held().at(-1)).toEqual([false, first]);
    expect(stops(world)).toEqual([['lost-race', first]]);
  });

  it('both go on after a restart, as do the race and its end', () => {
    const {world, id, first, second} = withTwin();
    const again = world.restarted();
    reconnect(again, [first, second]);
    expect(again.view(id)).toMatchObject({tasks: {running: 1}, agents: {busy: 2}});
    expect(again.effects.filter(({type}) => type === 'assign')).toEqual([]);
    end(again, second);
    expect(stops(again)).toEqual([['lost-race', first]]);
    const third = again.restarted();
    expect(third.view(id)).toMatchObject({state: 'running', tasks: {succeeded: 6}});
    reconnect(third, [first]);
    expect(stops(third)).toEqual([['lost-race', first]]);
    end(third, first);
    expect(third.view(id)).toMatchObject({state: 'succeeded', attempts: 7});
    expect(third.events('task-succeeded').filter(event => event.task === 'slow')).toHaveLength(1);
  });

  it('the second one is sent again to a host that never got it, in the same race', () => {
    const {world, first, second} = withTwin();
    const again = world.restarted();
    reconnect(again, [first]);
    expect(again.assigned()).toMatchObject([{attempt: second, number: 2, race: 1}]);
  });

  it('one that has lost keeps its task from going again until it is over', () => {
    const work = {ref: 'r', commit: 'c', base: 'b', files: 1};
    const {world, id, first, second} = withTwin({slow: {workspace: 'worktree'}});
    end(world, second, {...TOOK_1S, work: work as never});
    const merge = world.effects.find(({type}) => type === 'merge');
    if (merge?.type !== 'merge') throw new Error('nothing is merged');
    expect(merge.request).toMatchObject({taskId: 'slow', attempt: second});
    const conflict = {kind: 'conflict', tip: 't', files: ['x']} as const;
    world.give({type: 'merge-ended', teamId: id, task: merge.request.task, attempt: second, result: conflict});
    for (const each of [world, world.restarted()]) {
      reconnect(each, [first]);
      each.later(5000);
      expect(each.view(id).waiting).toEqual([{why: 'the end of an attempt that another one has outrun', tasks: 1}]);
      const before = each.assigned().length;
      end(each, first, stopped('lost-race'));
      expect(each.assigned().slice(before)).toMatchObject([{taskId: 'slow', number: 3, race: 3}]);
    }
  });

  it('are one, if the one that is at work is no straggler any more', () => {
    const {world, id, first, second} = withTwin();
    end(world, first, failing({reason: 'stopped', by: 'lost-race'}));
    world.give({type: 'host-gone', hostId: world.host});
    world.connect(hostId('h2'));
    world.give({type: 'strays-gone', hostId: hostId('h2'), attempts: [second]});
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'slow', number: 3});
    expect(losses(world, id)).toBe(1);
  });
});

function losses(world: EngineWorld, team: TeamId): number {
  const states = world.records.flatMap(record =>
    record.kind === 'task-state' && record.teamId === team ? [record.losses] : [],
  );
  return Math.max(0, ...states);
}
