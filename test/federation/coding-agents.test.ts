import {describe, expect, it} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {PromptTask} from '../../src/model/task.ts';
import type {Failure} from '../../src/model/failure.ts';
import type {StateRecord} from '../../src/model/record.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import type {MergeResult, TeamRepository, Work} from '../../src/model/work.ts';
import {foldRecords} from '../../src/simulation/simulated-store.ts';
import {EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

function prompt(id: string, changes: Partial<PromptTask> = {}): PromptTask {
  const {expressions, needs, condition, priority, env, continueOnError} = task(id);
  const facts = {id, expressions, needs, condition, priority, env, continueOnError};
  return {...facts, prompt: [`Do ${id}`], workspace: 'worktree', change: 'required', retries: 2, ...changes};
}

function group(runtime: string, changes: Partial<AgentGroup> = {}): AgentGroup {
  return {name: runtime, count: 1, skills: [], runtime, model: null, costPerHour: null, speed: 1, slots: 1, ...changes};
}

const REPOSITORY: TeamRepository = {
  root: '/r',
  gitFolder: '/r/.git',
  prefix: '',
  base: '0'.repeat(40),
  branch: 'godel/audit',
  checkedOut: 'main',
  dirtyFiles: 0,
};

function agents(...groups: AgentGroup[]): Partial<TeamSpec> {
  return {count: groups.reduce((sum, {count}) => sum + count, 0), groups, repository: REPOSITORY};
}

function work(digit = '1'): Work {
  const ref = `refs/godel/audit/x/${digit}`;
  return {commit: digit.repeat(40), base: '0'.repeat(40), ref, files: 1, insertions: 1, deletions: 0};
}

function changed(digit = '1', more: Partial<AttemptOutcome> = {}): AttemptOutcome {
  return {...SUCCESS, work: work(digit), ...more};
}

const LIMITED: Failure = {
  reason: 'provider-limited',
  provider: 'anthropic',
  kind: 'throttled',
  retryAfterMs: 2000,
  detail: '429',
};

function merges(world: EngineWorld) {
  return world.effects.flatMap(effect => (effect.type === 'merge' ? [effect.request] : []));
}

function mergeEnds(world: EngineWorld, result: MergeResult) {
  const request = merges(world).at(-1);
  if (!request) throw new Error('nothing was to be merged');
  const {teamId: team, task: seq, attempt} = request;
  return world.give({type: 'merge-ended', teamId: team, task: seq, attempt, result});
}

const MERGED: MergeResult = {kind: 'merged', tip: 'f'.repeat(40)};

/** The same team after a kill -9 of the daemon, from what was recorded. */
function restarted(world: EngineWorld): EngineWorld {
  const records = world.records.filter((record): record is StateRecord => record.kind !== 'event');
  const next = new EngineWorld({stored: foldRecords(records)});
  next.nowMs = world.nowMs;
  next.give({type: 'permits', permits: 100, why: null});
  return next;
}

describe('who does a task', () => {
  it('needs all skills it asks for, and an agent without any accepts every task', () => {
    const world = new EngineWorld();
    const tasks = [task('sql', {skills: ['sql', 'go']}), task('css', {skills: ['css']}), task('any')];
    world.start(tasks, agents(group('command', {skills: ['sql', 'go']}), group('command', {skills: ['css']})));
    expect(world.assigned().map(({taskId, agentId}) => [taskId, agentId])).toEqual([
      ['sql', 'audit-01'],
      ['css', 'audit-02'],
    ]);
    world.finish('css');
    expect(world.order().at(-1)).toBe('any');
  });

  it('prefers the agent with the preferred skills, and is done by another when that is busy', () => {
    const world = new EngineWorld();
    const tasks = [task('a', {prefer: ['go']}), task('b', {prefer: ['go']})];
    world.start(tasks, agents(group('command'), group('command', {skills: ['go']})));
    expect(world.assigned().map(({agentId}) => agentId)).toEqual(['audit-02', 'audit-01']);
  });

  it('waits with its reason and a warning while nobody can do it, and holds up nobody else', () => {
    const world = new EngineWorld();
    const id = world.start([task('a', {skills: ['rust']}), task('b')], agents(group('command', {skills: ['go']})));
    expect(world.order()).toEqual(['b']);
    expect(world.events('team-warning')[0]?.text).toMatch(/"a" waits for ever: .*skill rust/);
    world.finish('b');
    expect(world.view(id).state).toBe('running');
    expect(world.view(id).waiting[0]?.why).toMatch(/no agent of the team with the skill rust/);
  });

  it('gives prompts to coding agents only, of the runtime that the task names, and commands to anybody', () => {
    const world = new EngineWorld();
    const tasks = [prompt('p', {runtime: 'pi', model: 'm'}), prompt('q'), task('run')];
    world.start(tasks, agents(group('command'), group('claude', {model: 'haiku'}), group('pi')));
    const means = Object.fromEntries(world.assigned().map(each => [each.taskId, each.means]));
    expect(means).toMatchObject({
      p: {runtime: 'pi', model: 'm', provider: 'pi'},
      q: {runtime: 'claude', model: 'haiku', provider: 'anthropic'},
    });
    expect(means).toHaveProperty('run', undefined);
    expect(world.assigned().find(({taskId}) => taskId === 'run')?.agentId).toBe('audit-01');
  });

  it('gives an agent as many attempts at a time as it has slots', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b'), task('c')], agents(group('command', {slots: 2})));
    expect(world.order()).toEqual(['a', 'b']);
    expect(world.view(id).agents).toMatchObject({busy: 1, ready: 1});
    world.finish('a');
    expect(world.order()).toEqual(['a', 'b', 'c']);
  });

  it('moves a task to a stronger model after failures', () => {
    const world = new EngineWorld();
    const escalate = {
      after: 1,
      to: [
        {runtime: 'claude', model: 'sonnet'},
        {runtime: 'claude', model: 'opus'},
      ],
    };
    const tasks = [prompt('p', {retries: 5})];
    world.connect();
    const plan = {name: null, env: {}, tasks, escalate};
    world.spawn({...world.engineSpec(), name: 'esc', plan, ...agents(group('pi'))});
    for (let round = 0; round < 3; round += 1) {
      world.finish('p', failing());
      world.later(5000);
    }
    expect(world.assigned().map(({means}) => means?.model ?? null)).toEqual([null, 'sonnet', 'opus', 'opus']);
    expect(world.events('task-escalated').map(({to}) => to)).toEqual(['claude/sonnet', 'claude/opus']);
  });
});

describe('limits of a provider', () => {
  it('use up no retry, wait as long as the provider says, and go on in the same conversation', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('p', {retries: 0})], agents(group('claude')));
    const session = {attempt: 1, runtime: 'claude', session: 's-1', folder: '/w/1'};
    world.give({type: 'attempt-session', hostId: world.host, attempt: world.attemptOf('p'), session});
    world.finish('p', failing(LIMITED));
    expect(world.effects).toContainEqual({
      type: 'provider-signal',
      signal: {provider: 'anthropic', kind: 'throttled', retryAfterMs: 2000},
    });
    world.later(1900);
    expect(world.order()).toEqual(['p']);
    world.later(2000);
    expect(world.assigned().at(-1)).toMatchObject({number: 2, memo: {session, limited: 1}});
    expect(world.view(id)).toMatchObject({state: 'running', retries: 0});
  });

  it('are waited for no longer than a day, however long the provider or a changed wall clock says', () => {
    const world = new EngineWorld();
    world.start([prompt('p')], agents(group('claude')));
    world.finish('p', failing({...LIMITED, retryAfterMs: 1e12}));
    world.later(86_400_000 - 1000);
    expect(world.order()).toEqual(['p']);
    world.later(2000);
    expect(world.order()).toEqual(['p', 'p']);
    world.finish('p', failing({...LIMITED, retryAfterMs: 1e12}));
    world.nowMs = 1000;
    // Whose clock shows what the other one's did a day ago.
    const next = restarted(world);
    next.give({type: 'host-gone', hostId: world.host});
    next.connect('h2' as never);
    next.later(86_400_000);
    expect(next.order()).toEqual(['p']);
  });

  it('are no failure of a task whose team is being ended', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('p')], agents(group('claude')));
    world.give({type: 'end-team', request: 9, teamId: id, by: 'max-failures'});
    world.finish('p', failing(LIMITED));
    expect(world.view(id)).toMatchObject({outcome: 'tasks-failed', tasks: {cancelled: 1, failed: 0}});
  });

  it('that never end fail the task, which is no failure of a team that tolerates it', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('p', {continueOnError: true})], agents(group('claude')));
    for (let time = 0; time <= 100; time += 1) {
      world.finish('p', failing(LIMITED));
      world.later(10_000);
    }
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {failed: 1}, attempts: 101});
  });

  it('do not end a team because of agents that are gone, as long as others could do the task', () => {
    const world = new EngineWorld();
    world.connect();
    world.gates = [{provider: 'pi', permits: 0, why: 'pi is limited'}];
    const two = agents(group('claude', {costPerHour: 1}), group('pi'));
    const id = world.spawn({
      ...world.engineSpec(),
      plan: {name: null, env: {}, tasks: [prompt('p', {retries: 9})]},
      ...two,
    });
    world.give({type: 'agents-failed', hostId: world.host, agents: ['audit-01' as never], detail: 'not installed'});
    world.finish('p', failing());
    world.later(5000);
    expect(world.view(id)).toMatchObject({state: 'running', waiting: [{why: 'pi is limited'}]});
  });

  it('hold up instances of a foreach only where they apply', () => {
    const world = new EngineWorld();
    world.connect();
    world.gates = [{provider: 'anthropic', permits: 0, why: 'anthropic is limited'}];
    const tasks = [prompt('p', {foreach: {from: 'list', items: ['a', 'b', 'c']}, maxParallel: 1, change: 'optional'})];
    const plan = {name: null, env: {}, tasks, escalate: {after: 1, to: [{runtime: 'claude', model: null}]}};
    world.spawn({...world.engineSpec(), plan, ...agents(group('pi', {count: 3}))});
    world.finish('p[a]', failing());
    expect(world.order()).toEqual(['p[a]', 'p[b]']);
    world.later(5000);
    world.finish('p[b]');
    // The first one could only go on with the provider that lets nothing through.
    expect(world.order()).toEqual(['p[a]', 'p[b]', 'p[c]']);
  });

  it('hold back only attempts of that provider, and say why', () => {
    const world = new EngineWorld();
    const tasks = [prompt('a'), prompt('b', {runtime: 'claude'}), prompt('c', {runtime: 'pi'})];
    world.connect();
    world.gates = [{provider: 'anthropic', permits: 1, why: 'anthropic allows 1 at a time'}];
    const id = world.spawn({
      ...world.engineSpec(),
      plan: {name: null, env: {}, tasks},
      ...agents(group('claude', {count: 2}), group('pi')),
    });
    expect(world.order().sort()).toEqual(['a', 'c']);
    expect(world.view(id).waiting).toContainEqual({why: 'anthropic allows 1 at a time', tasks: 1});
  });

  it('resumes the conversation of an attempt that was lost, also after a restart of the daemon', () => {
    const world = new EngineWorld();
    world.start([prompt('p')], agents(group('claude')));
    const attempt = world.attemptOf('p');
    const session = {attempt: 1, runtime: 'claude', session: 's-1', folder: '/w/1'};
    world.give({type: 'attempt-session', hostId: world.host, attempt, session});
    const next = restarted(world);
    next.give({type: 'host-gone', hostId: world.host});
    next.connect('h2' as never);
    next.give({type: 'strays-gone', hostId: 'h2' as never, attempts: [attempt]});
    expect(next.assigned().at(-1)).toMatchObject({taskId: 'p', memo: {session}});
  });
});

describe('a budget', () => {
  const cost = (usd: number) => ({usage: {...SUCCESS.usage, usd}});

  it('is reserved with the lease, learned from, and never promised twice', () => {
    const world = new EngineWorld();
    const tasks = ['a', 'b', 'c', 'd'].map(id => prompt(id, {change: 'optional'}));
    const id = world.start(tasks, {...agents(group('claude', {count: 4})), budget: {usd: 0.6, tokens: null}});
    expect(world.assigned().map(({means}) => means?.cap.usd)).toEqual([0.25, 0.25]);
    expect(world.view(id)).toMatchObject({budget: {limitUsd: 0.6, usedUsd: 0, reservedUsd: 0.5}});
    expect(world.view(id).waiting[0]?.why).toMatch(/budget/);
    world.finish('a', {...SUCCESS, ...cost(0.02)});
    // Now known to cost about 0.02: three times that is reserved for each.
    expect(
      world
        .assigned()
        .slice(2)
        .map(({means}) => means?.cap.usd),
    ).toEqual([0.06, 0.06]);
    const {limitUsd, usedUsd, reservedUsd} = world.view(id).budget ?? {limitUsd: 0, usedUsd: 1, reservedUsd: 1};
    expect(usedUsd + reservedUsd).toBeLessThanOrEqual(limitUsd ?? 0);
  });

  it('counts prompts that do not say what they cost, and never commands', () => {
    const world = new EngineWorld();
    const tasks = [task('c'), prompt('p', {change: 'optional'}), prompt('q', {change: 'optional'})];
    const id = world.start(tasks, agents(group('command'), group('claude')));
    world.finish('c', SUCCESS);
    expect(world.view(id).unpriced).toBe(0);
    world.finish('p', {...SUCCESS, ...cost(0.02)});
    expect(world.view(id).unpriced).toBe(0);
    world.finish('q', SUCCESS);
    expect(world.view(id).unpriced).toBe(1);
  });

  it('learns nothing from an attempt that was cut short, and always gives one room to work', () => {
    const world = new EngineWorld();
    const tasks = ['a', 'b', 'c'].map(id => prompt(id, {change: 'optional'}));
    world.start(tasks, {...agents(group('claude')), budget: {usd: 10, tokens: null}});
    world.finish('a', {...failing(LIMITED), ...cost(0)});
    expect(world.assigned().map(({means}) => means?.cap.usd)).toEqual([0.25, 0.25]);
    world.finish('b', {...SUCCESS, ...cost(0)});
    expect(world.assigned().at(-1)?.means?.cap.usd).toBe(0.025);
  });

  it('for any hour lets what does not fit wait until enough of it is an hour ago', () => {
    const world = new EngineWorld();
    const tasks = ['a', 'b', 'c'].map(id => prompt(id, {change: 'optional'}));
    const budget = {usd: null, tokens: null, perHour: 0.5};
    const id = world.start(tasks, {...agents(group('claude', {count: 3})), budget});
    expect(world.order()).toEqual(['a', 'b']);
    expect(world.view(id).waiting[0]?.why).toMatch(/what an hour may cost/);
    world.finish('a', {...SUCCESS, ...cost(0.3)});
    world.later(60_000);
    world.finish('b', {...SUCCESS, ...cost(0.2)});
    expect(world.view(id)).toMatchObject({state: 'running'});
    expect(world.order()).toEqual(['a', 'b']);
    const atMs = world.engine.nextDeadlineMs();
    expect(atMs).toBe(1000 + 61 * 60_000);
    world.later((atMs ?? 0) - world.nowMs);
    expect(world.order()).toEqual(['a', 'b', 'c']);
    expect(world.assigned().at(-1)?.means?.cap.usd).toBeCloseTo(0.3);
  });

  it('for any hour is not begun anew by a restart', () => {
    const world = new EngineWorld();
    const tasks = ['a', 'b'].map(id => prompt(id, {change: 'optional'}));
    const budget = {usd: null, tokens: null, perHour: 0.3};
    const id = world.start(tasks, {...agents(group('claude')), budget});
    world.finish('a', {...SUCCESS, ...cost(0.2)});
    expect(world.order()).toEqual(['a']);
    const again = restarted(world);
    again.connect();
    expect(again.order()).toEqual([]);
    expect(again.view(id).waiting[0]?.why).toMatch(/what an hour may cost/);
    again.later(62 * 60_000);
    expect(again.order()).toEqual(['b']);
  });

  it('ends the team when it does not pay for what is left, once nothing runs', () => {
    const world = new EngineWorld();
    const tasks = ['a', 'b'].map(id => prompt(id, {change: 'optional'}));
    const id = world.start(tasks, {...agents(group('claude', {count: 2})), budget: {usd: 0.1, tokens: null}});
    expect(world.order()).toEqual(['a']);
    world.finish('a', {...SUCCESS, ...cost(0.09)});
    expect(world.view(id)).toMatchObject({state: 'failed', outcome: 'budget'});
    expect(world.view(id).endedBecause).toMatch(/budget of \$0\.10/);
  });

  it('counts what a lost attempt may have used', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a')], {...agents(group('claude')), budget: {usd: 0.5, tokens: null}});
    const attempt = world.attemptOf('a');
    world.give({type: 'host-gone', hostId: world.host});
    world.connect('h2' as never);
    world.give({type: 'strays-gone', hostId: 'h2' as never, attempts: [attempt]});
    expect(world.view(id).budget).toMatchObject({usedUsd: 0.25});
  });
});

describe('a change', () => {
  it('is merged before the task has succeeded and those that need it start', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a'), prompt('b', {needs: ['a']})], agents(group('claude')));
    world.finish('a', changed());
    expect(world.order()).toEqual(['a']);
    expect(world.view(id).tasks).toMatchObject({merging: 1, succeeded: 0});
    expect(merges(world)).toMatchObject([{taskId: 'a', work: work(), credits: {agent: 'audit-01', runtime: 'claude'}}]);
    mergeEnds(world, MERGED);
    expect(world.order()).toEqual(['a', 'b']);
    expect(world.events('task-merged')).toMatchObject([{task: 'a', tip: 'f'.repeat(40)}]);
  });

  it('is asked to be merged again after a restart', () => {
    const world = new EngineWorld();
    world.start([prompt('a')], agents(group('claude')));
    world.finish('a', changed());
    const next = restarted(world);
    expect(merges(next)).toEqual(merges(world));
    mergeEnds(next, MERGED);
    expect(next.view(next.engine.teamIds()[0]!).state).toBe('succeeded');
  });

  it('is asked to be merged again after a restart while its team is being ended', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a')], agents(group('claude')));
    world.finish('a', changed());
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    const next = restarted(world);
    expect(merges(next)).toEqual(merges(world));
    mergeEnds(next, MERGED);
    expect(next.view(id)).toMatchObject({state: 'killed', tasks: {succeeded: 1}});
  });

  it('that conflicts is brought together by another attempt, a bounded number of times', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a', {retries: 0})], agents(group('claude')));
    const conflict: MergeResult = {kind: 'conflict', tip: 'e'.repeat(40), files: ['x.ts']};
    for (const digit of ['1', '2']) {
      world.finish('a', changed(digit));
      mergeEnds(world, conflict);
      expect(world.assigned().at(-1)).toMatchObject({memo: {conflict: {commit: digit.repeat(40), files: ['x.ts']}}});
    }
    expect(world.assigned().map(({number}) => number)).toEqual([1, 2, 3]);
    world.finish('a', changed('3'));
    mergeEnds(world, conflict);
    const {failures} = world.view(id);
    expect(failures).toMatchObject([{failure: {reason: 'merge-conflict', ref: work('3').ref, branch: 'godel/audit'}}]);
    expect(world.events('merge-conflict').map(({next}) => next)).toEqual(['resolve', 'resolve', 'parked']);
  });

  it('of a command that conflicts is made again on what is there now', () => {
    const world = new EngineWorld();
    world.start([task('a', {workspace: 'worktree'})], agents(group('command')));
    world.finish('a', changed());
    mergeEnds(world, {kind: 'conflict', tip: 'e'.repeat(40), files: ['x.ts']});
    expect(world.assigned().at(-1)?.memo).toEqual({conflicts: 1});
  });

  it('that breaks the verify of the plan counts as a failure, and the next attempt is told of it', () => {
    const world = new EngineWorld();
    world.start([prompt('a', {retries: 1})], agents(group('claude')));
    world.finish('a', changed());
    mergeEnds(world, {kind: 'broke-verify', tip: 'e'.repeat(40), exitCode: 2, tail: 'boom at line 7'});
    world.later(5000);
    expect(world.assigned().at(-1)?.memo?.feedback).toMatch(/boom at line 7/);
  });

  it('is merged later when git fails, and its task fails when it goes on failing', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a')], agents(group('claude')));
    world.finish('a', changed());
    for (let time = 1; time < 30; time += 1) {
      mergeEnds(world, {kind: 'failed', detail: 'No space left on device'});
      world.later(61_000);
      expect(merges(world)).toHaveLength(time + 1);
    }
    mergeEnds(world, {kind: 'failed', detail: 'No space left on device'});
    expect(world.view(id)).toMatchObject({state: 'failed', failures: [{failure: {reason: 'git-failed'}}]});
  });

  it('that is being merged is waited for when the team is ended', () => {
    const world = new EngineWorld();
    const id = world.start([prompt('a'), prompt('b')], agents(group('claude')));
    world.finish('a', changed());
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('b', failing({reason: 'stopped', by: 'user'}));
    expect(world.view(id).state).toBe('draining');
    mergeEnds(world, MERGED);
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {succeeded: 1, cancelled: 1}});
  });

  it('is not recorded twice when its merge is answered twice', () => {
    const world = new EngineWorld();
    world.start([prompt('a'), prompt('b')], agents(group('claude')));
    world.finish('a', changed());
    mergeEnds(world, MERGED);
    const before = world.records.length;
    mergeEnds(world, MERGED);
    mergeEnds(world, {kind: 'conflict', tip: 'e'.repeat(40), files: []});
    expect(world.records).toHaveLength(before);
  });
});

describe('a review', () => {
  const tasks = [
    prompt('a', {review: {rounds: 1}}),
    prompt('a.review', {reviews: 'a', change: 'none', retries: 1}),
    prompt('b', {needs: ['a']}),
  ];
  const verdict = (approved: boolean, comments: string) => ({...SUCCESS, verdict: {approved, comments}});

  it('lets a change be merged when it approves', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    expect(world.order()).toEqual(['a']);
    world.finish('a', changed());
    expect(world.view(id).tasks).toMatchObject({reviewing: 1, running: 1});
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a.review', reviewed: {taskId: 'a', work: work()}});
    world.finish('a.review', verdict(true, 'good'));
    expect(merges(world)).toMatchObject([{taskId: 'a', credits: {reviewer: 'audit-02'}}]);
    mergeEnds(world, MERGED);
    world.finish('b', SUCCESS);
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {succeeded: 3}});
  });

  it('sends it back with its comments, and fails it after that many rounds', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    world.finish('a', changed('1'));
    world.finish('a.review', verdict(false, 'tests are missing'));
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', number: 2});
    expect(world.assigned().at(-1)?.memo?.feedback).toMatch(/tests are missing/);
    world.finish('a', changed('2'));
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a.review', number: 2});
    world.finish('a.review', verdict(false, 'still missing'));
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1, succeeded: 1, skipped: 1}});
    expect(world.view(id).failures[0]?.failure).toMatchObject({
      reason: 'review-rejected',
      rounds: 2,
      ref: work('2').ref,
    });
    expect(merges(world)).toEqual([]);
  });

  it('that cannot be done fails the task: nothing is merged unseen', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    world.finish('a', changed());
    world.finish('a.review', failing());
    world.later(5000);
    world.finish('a.review', failing());
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 2, skipped: 1}});
    expect(merges(world)).toEqual([]);
  });

  it('goes on after a restart', () => {
    const world = new EngineWorld();
    world.start(tasks, agents(group('claude', {count: 2})));
    world.finish('a', changed());
    const next = restarted(world);
    next.give({type: 'host-gone', hostId: world.host});
    next.connect('h2' as never);
    next.give({type: 'strays-gone', hostId: 'h2' as never, attempts: [world.attemptOf('a.review')]});
    expect(next.assigned().at(-1)).toMatchObject({taskId: 'a.review', reviewed: {taskId: 'a'}});
  });

  it('is journaled with its end, and with the end it makes', () => {
    const approved = new EngineWorld();
    approved.start(tasks, agents(group('claude', {count: 2})));
    approved.finish('a', changed());
    approved.finish('a.review', verdict(true, 'good'));
    mergeEnds(approved, MERGED);
    expect(approved.events('task-succeeded').map(({task: id}) => id)).toEqual(['a', 'a.review']);

    const unneeded = new EngineWorld();
    unneeded.start(tasks, agents(group('claude', {count: 2})));
    unneeded.finish('a');
    expect(unneeded.events('task-skipped')).toMatchObject([{task: 'a.review', because: 'condition', need: 'a'}]);

    const impossible = new EngineWorld();
    impossible.start(tasks, agents(group('claude', {count: 2})));
    impossible.finish('a', changed());
    impossible.finish('a.review', failing());
    impossible.later(5000);
    impossible.finish('a.review', failing());
    expect(impossible.events('task-failed').map(({task: id}) => id)).toEqual(['a.review', 'a']);
  });

  it('that comes too late, for a team that is being ended, is no failure and lets nothing be merged', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    world.finish('a', changed());
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('a.review', verdict(true, 'good'));
    expect(merges(world)).toEqual([]);
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {cancelled: 3, failed: 0}});
  });

  it('that cannot come any more, because the team is being ended, lets nothing be merged unseen', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('a', changed());
    expect(merges(world)).toEqual([]);
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {cancelled: 3}});
  });

  it('is over with the team', () => {
    const world = new EngineWorld();
    const id = world.start(tasks, agents(group('claude', {count: 2})));
    world.finish('a', changed());
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('a.review', failing({reason: 'stopped', by: 'user'}));
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {cancelled: 3}});
  });
});

it('a task that no agent is left for ends the team instead of waiting for ever', () => {
  const world = new EngineWorld();
  const id = world.start([prompt('p'), task('c')], agents(group('claude'), group('command')));
  world.finish('p', failing());
  world.give({
    type: 'agents-failed',
    hostId: world.host,
    agents: ['audit-01' as never],
    detail: 'claude is not installed',
  });
  world.finish('c');
  world.later(5000);
  expect(world.view(id)).toMatchObject({state: 'failed', tasks: {succeeded: 1, cancelled: 1}});
});
