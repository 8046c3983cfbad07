import {DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {RetryWish} from '../../src/federation/rounds.ts';
import type {TeamId} from '../../src/model/ids.ts';
import {isTerminal, type TaskSpec} from '../../src/model/task.ts';
import {isFinal} from '../../src/model/team.ts';
import {foldTeam} from '../../src/simulation/simulated-store.ts';
import {COMMAND_FAILED, EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

function retry(world: EngineWorld, teamId: TeamId, tasks: RetryWish) {
  const records = world.records.flatMap(record => (record.kind === 'event' ? [] : [record]));
  return world.ask({type: 'retry-team', teamId, tasks, stored: foldTeam(records, teamId)});
}

const rounds = (world: EngineWorld) => world.events('round-begun').map(({first}) => first);

/** A plan whose task `a` fails, which is over then. */
function failed(others: readonly TaskSpec[] = [], spec: Parameters<EngineWorld['start']>[1] = {}) {
  const world = new EngineWorld();
  const id = world.start([task('a'), ...others], spec);
  world.finish('a', failing());
  return {world, id};
}

describe('the next round of a team that is over', () => {
  it('does again what failed and what was skipped for it, under the same name and with its agents', () => {
    const plan = [task('b', {needs: ['a']}), task('c', {needs: ['b']}), task('other')];
    const {world, id} = failed(plan, {timeoutMs: 1000});
    world.finish('other');
    expect(world.view(id)).toMatchObject({state: 'failed', durationMs: 0});
    world.later(60_000);
    expect(retry(world, id, 'failed')).toMatchObject({ok: true, value: {state: 'running', team: 'audit'}});
    expect(rounds(world)).toEqual([['a', 'b', 'c']]);
    expect(world.engine.teamNamed('audit')).toBe(id);
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', number: 2});
    expect(world.assigned().at(-1)!.memo?.feedback).toMatch(/exit/);
    world.later(999);
    for (const name of ['a', 'b', 'c']) world.finish(name);
    expect(world.view(id)).toMatchObject({state: 'succeeded', outcome: 'ok', durationMs: 999, failures: []});
    expect(world.view(id).startedAtMs).toBe(1_001_000);
    expect(world.order()).toEqual(['a', 'other', 'a', 'b', 'c']);
  });

  it('gives what was killed another go, with the retries and agents it had', () => {
    const world = new EngineWorld();
    const id = world.start([task('a', {retries: 1}), task('b')], {count: 1});
    world.finish('a', failing());
    world.ask({type: 'scale-team', teamId: id, change: {count: 2}});
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('b', failing({reason: 'stopped', by: 'user'}));
    expect(world.view(id)).toMatchObject({state: 'killed', tasks: {cancelled: 2}});
    retry(world, id, 'failed');
    expect(world.view(id)).toMatchObject({state: 'running', endedBecause: null, agents: {requested: 2}});
    world.finish('b');
    world.finish('a', failing());
    world.later(5000);
    world.finish('a');
    expect(world.view(id)).toMatchObject({state: 'succeeded', retries: 1});
    expect(world.assigned().flatMap(({taskId, number}) => (taskId === 'a' ? [number] : []))).toEqual([1, 2, 3]);
  });

  it('is remembered by a restarted daemon', () => {
    const {world, id} = failed([task('b', {needs: ['a']})]);
    retry(world, id, 'all');
    const again = world.restarted();
    again.connect(world.host, [world.attemptOf('a')]);
    const records = [...again.records];
    expect(again.view(id)).toMatchObject({state: 'running', tasks: {running: 1, waiting: 1}});
    again.give({type: 'attempt-finished', hostId: world.host, attempt: world.attemptOf('a'), outcome: failing()});
    expect(again.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1, skipped: 1}});
    const last = again.records.slice(records.length).find(record => record.kind === 'task-state');
    expect(last).toMatchObject({round: 2, attempts: 2, failures: 1});
  });

  it('takes along what a task that is named was skipped for, and only that', () => {
    const world = new EngineWorld();
    const plan = [
      task('a'),
      task('b', {needs: ['a']}),
      task('x'),
      task('y', {needs: ['x']}),
      task('z', {needs: ['y']}),
    ];
    const id = world.start(plan);
    world.finish('a', failing());
    world.finish('x', failing());
    retry(world, id, ['y']);
    expect(rounds(world)).toEqual([['x', 'y', 'z']]);
    for (const name of ['x', 'y', 'z']) world.finish(name);
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {succeeded: 3, failed: 1, skipped: 1}});
  });

  it('revives one that was ended while it was paused, which is not paused then', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    world.ask({type: 'pause', teamId: id, agent: null});
    world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    world.finish('a', failing({reason: 'stopped', by: 'user'}));
    retry(world, id, 'failed');
    expect(world.view(id)).toMatchObject({state: 'running', settings: {paused: false}});
    world.finish('a');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('has no more agents than a team that scales itself may have', () => {
    const {world, id} = failed([task('b')], {count: 4, autoscale: {...DEFAULT_AUTOSCALE, min: 0, max: 2}});
    for (const {agentId: agent} of world.assigned()) {
      world.ask({type: 'agent-order', teamId: id, agent, what: 'drain'});
    }
    world.finish('b', failing());
    expect(world.view(id).state).toBe('failed');
    retry(world, id, 'failed');
    expect(world.view(id)).toMatchObject({state: 'running', agents: {requested: 2}});
    const sizes = world.events('team-scaled').map(({decision}) => decision.to);
    expect(sizes.filter(size => size > 2)).toEqual([]);
  });

  it('has agents even when the last one had left', () => {
    const {world, id} = failed([task('b')], {count: 2});
    world.ask({type: 'agent-order', teamId: id, agent: world.assigned()[0]!.agentId, what: 'kill'});
    world.ask({type: 'agent-order', teamId: id, agent: world.assigned()[1]!.agentId, what: 'drain'});
    world.finish('b');
    retry(world, id, ['a']);
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', agentId: 'audit-03'});
  });
});

describe('the next round of a foreach', () => {
  const items = {from: 'list', items: [1, 2, 3]} as const;

  it('is that of the instances that have not succeeded', () => {
    const world = new EngineWorld();
    const id = world.start([task('f', {foreach: items}), task('end', {needs: ['f']})], {count: 3});
    for (const name of ['f[1]', 'f[3]']) world.finish(name, failing());
    world.finish('f[2]');
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {succeeded: 1, failed: 2, skipped: 1}});
    retry(world, id, ['f']);
    expect(rounds(world)).toEqual([['end', 'f[1]', 'f[3]']]);
    world.finish('f[1]');
    world.finish('f[3]', failing());
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {succeeded: 2, failed: 1, skipped: 1}});
    retry(world, id, ['f[3]']);
    expect(rounds(world).at(-1)).toEqual(['end', 'f[3]']);
    world.finish('f[3]');
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'end', needs: [{total: 3, succeeded: 3, failed: 0}]});
    world.finish('end');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('begins when what it needs, and goes again, is over', () => {
    const world = new EngineWorld();
    const plan = [task('a'), task('f', {needs: ['a'], foreach: items, condition: 'always'})];
    const id = world.start(plan, {count: 3});
    world.finish('a', failing());
    world.finish('f[1]');
    world.finish('f[2]', failing());
    world.finish('f[3]');
    retry(world, id, 'failed');
    expect(rounds(world)).toEqual([['a', 'f[2]']]);
    expect(world.order().slice(4)).toEqual(['a']);
    expect(world.restarted().view(id).tasks).toMatchObject({waiting: 1});
    world.finish('a');
    expect(world.order().slice(4)).toEqual(['a', 'f[2]']);
    world.finish('f[2]');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('expands it when its items could not be had before', () => {
    const world = new EngineWorld();
    const from = {from: 'output', task: 'a', path: []} as const;
    const id = world.start([
      task('a', {outputs: 'json'}),
      task('f', {needs: ['a'], foreach: from, condition: 'always'}),
    ]);
    world.finish('a', failing());
    expect(world.view(id).tasks).toMatchObject({failed: 2});
    retry(world, id, 'failed');
    world.finish('a');
    world.give({type: 'output-read', teamId: id, task: world.assigned()[0]!.task, output: {ok: true, value: ['x']}});
    world.finish('f[x]');
    expect(world.view(id).state).toBe('succeeded');
  });
});

describe('the next round of a team at work', () => {
  it('does again what has failed while others go on', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b', {needs: ['a']}), task('long')], {count: 2});
    world.finish('a', failing());
    expect(world.view(id).state).toBe('running');
    expect(retry(world, id, 'failed')).toMatchObject({value: {tasks: {ready: 1, waiting: 1, failed: 0}}});
    world.finish('a');
    world.finish('b');
    world.finish('long');
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {succeeded: 3}});
  });

  it('leaves alone what somebody needs who is at work', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('after', {needs: ['a'], condition: 'always'})]);
    world.finish('a', failing());
    expect(retry(world, id, 'failed')).toMatchObject({failure: {reason: 'nothing-to-retry'}});
    expect(retry(world, id, ['a'])).toMatchObject({
      failure: {reason: 'nothing-to-retry', why: '"after", which needs "a", is running'},
    });
    world.finish('after');
    retry(world, id, ['a']);
    expect(world.order()).toEqual(['a', 'after', 'a']);
  });

  it('is that of a team without a plan of its own, which is idle again afterwards', () => {
    const world = new EngineWorld();
    world.connect();
    const id = world.spawn(world.engineSpec());
    world.ask({type: 'run-plan', teamId: id, plan: {name: null, env: {}, tasks: [task('a')]}, secretNames: []});
    world.finish('a', failing());
    expect(world.view(id).state).toBe('idle');
    expect(retry(world, id, 'failed')).toMatchObject({value: {state: 'running'}});
    world.finish('a');
    expect(world.view(id).state).toBe('idle');
  });
});

describe('what does not go again', () => {
  it('is refused with the reason, and nothing is recorded', () => {
    const {world, id} = failed([task('ok'), task('never', {needs: ['ok'], condition: 'failure'})]);
    world.finish('ok');
    const before = world.records.length;
    const nothing = (why: unknown) => ({failure: {reason: 'nothing-to-retry', team: 'audit', why}});
    expect(retry(world, id, ['ok'])).toMatchObject(nothing('"ok" has succeeded'));
    expect(retry(world, id, ['okk'])).toMatchObject({failure: {reason: 'task-not-found', similar: ['ok']}});
    expect(world.records).toHaveLength(before);
    expect(world.view(id).state).toBe('failed');
    expect(world.ask({type: 'retry-team', teamId: id, tasks: 'all', stored: null})).toMatchObject({
      failure: {reason: 'team-over'},
    });
    retry(world, id, 'failed');
    world.finish('a');
    expect(world.view(id).state).toBe('succeeded');
    expect(retry(world, id, 'failed')).toMatchObject(
      nothing(
        'none of its tasks has failed, was cancelled or was skipped for that, but for those that somebody at work needs',
      ),
    );
  });
});

describe('a review', () => {
  const work = {commit: 'c', base: 'b', ref: 'r', files: 1, insertions: 1, deletions: 0};
  const outcome = {...SUCCESS, work};
  const verdict = (approved: boolean) => ({...SUCCESS, verdict: {approved, comments: 'no'}});

  it('goes again with what it is of, also when it had come to its end', () => {
    const world = new EngineWorld();
    const repository = {root: '/r', gitFolder: '/r/.git', base: 'b', branch: 'x', prefix: '', dirtyFiles: 0} as never;
    const plan = [task('a', {review: {rounds: 1}, workspace: 'worktree'}), task('review', {reviews: 'a'})];
    const id = world.start(plan, {repository});
    const sendBack = () => {
      world.finish('a', outcome);
      world.finish('review', verdict(false));
    };
    sendBack();
    sendBack();
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1, succeeded: 1}});
    for (const wish of ['failed', ['review']] as const) {
      retry(world, id, wish);
      expect(rounds(world).at(-1)).toEqual(['a', 'review']);
      sendBack();
      expect(world.view(id).state).toBe('running');
      sendBack();
      expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1, succeeded: 1}});
    }
    retry(world, id, ['a']);
    world.finish('a', outcome);
    world.finish('review', verdict(true));
    world.give({
      type: 'merge-ended',
      teamId: id,
      task: 0 as never,
      attempt: world.attemptOf('a'),
      result: {kind: 'merged', tip: 't'} as never,
    });
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {succeeded: 2}});
  });
});

describe('rounds of any plan', () => {
  const conditions = ['success', 'failure', 'always'] as const;
  const row = fc.record({
    needs: fc.array(fc.nat(7), {maxLength: 3}),
    condition: fc.constantFrom('success', 'success', ...conditions),
    items: fc.option(fc.nat(3), {nil: null}),
    retries: fc.nat(1),
    continueOnError: fc.boolean(),
  });
  const plans = fc.array(row, {minLength: 1, maxLength: 8}).map(rows =>
    rows.map(({needs, items, ...rest}, index) =>
      task(`t${index}`, {
        ...rest,
        needs: [...new Set(needs.filter(need => need < index).map(need => `t${need}`))],
        ...(items === null ? {} : {foreach: {from: 'list', items: Array.from({length: items}, (_, item) => item)}}),
      }),
    ),
  );

  it('end in one state each, never do again what succeeded, and are the same after a restart', () => {
    fc.assert(
      fc.property(plans, fc.array(fc.nat(9), {maxLength: 60}), fc.infiniteStream(fc.nat(9)), (plan, acts, luck) => {
        let world = new EngineWorld();
        const id = world.start(plan, {count: 3});
        const open = new Map<string, number>();
        const live = () => {
          open.clear();
          for (const record of world.records) {
            if (record.kind === 'attempt-leased') open.set(`${record.id}`, record.id);
            if (record.kind === 'attempt-ended') open.delete(`${record.id}`);
          }
          return [...open.values()];
        };
        const act = (what: number) => {
          const attempt = live()[what % Math.max(1, open.size)];
          if (what === 0) {
            const again = world.restarted();
            const view = again.view(id);
            const same = ({tasks, agents, state, retries, attempts, failures}: typeof view) => {
              return {tasks, requested: agents.requested, state, retries, attempts, failures: failures.length};
            };
            expect(same(view)).toEqual(same(world.view(id)));
            again.connect(world.host, live() as never);
            world = again;
          } else if (what === 1) retry(world, id, 'failed');
          else if (what === 2) world.later(2000);
          else if (attempt !== undefined) {
            const isGood = luck.next().value < 6;
            const outcome = isGood ? SUCCESS : failing(COMMAND_FAILED);
            world.give({type: 'attempt-finished', hostId: world.host, attempt: attempt as never, outcome});
          }
        };
        for (const what of acts) act(what);
        for (let turns = 0; !isFinal(world.view(id).state); turns += 1) {
          if (turns > 500) throw new Error(`the team is stuck: ${JSON.stringify(world.view(id))}`);
          act(live().length > 0 ? 3 : 2);
        }
        const ends = new Map<string, string>();
        for (const record of world.records) {
          if (record.kind !== 'task-state' || !isTerminal(record.state.name)) continue;
          const key = `${record.seq} in round ${record.round}`;
          expect(ends.get(key)).toBeUndefined();
          ends.set(key, record.state.name);
          const before = ends.get(`${record.seq} in round ${record.round - 1}`);
          if (record.round > 1)
            expect(['failed', 'cancelled', 'skipped', 'group']).toContain(
              before === 'succeeded' ? isGroup(world, record.seq) : before,
            );
        }
        const {tasks} = world.view(id);
        expect(tasks.succeeded + tasks.failed + tasks.skipped + tasks.cancelled).toBe(tasks.total);
      }),
      {numRuns: 300},
    );
  });
});

/** A `foreach` that succeeded for all that its instances failed, with `continue-on-error`, is open again with them. */
function isGroup(world: EngineWorld, seq: number): string {
  const created = world.records.flatMap(record => (record.kind === 'tasks-created' ? record.tasks : []));
  return created.some(({group}) => group === seq) ? 'group' : 'succeeded';
}

it('takes up again with no more agents than the team may have', () => {
  const autoscale = {...DEFAULT_AUTOSCALE, min: 0, max: 2};
  const world = new EngineWorld();
  const id = world.start([task('a')], {count: 5, autoscale});
  for (const {id: agent} of world.engine.agents(id, {now: world.now(), recorded: () => undefined})) {
    world.ask({type: 'agent-order', teamId: id, agent, what: 'drain'});
  }
  world.finish('a', failing());
  retry(world, id, 'failed');
  expect(world.view(id).agents.requested).toBeLessThanOrEqual(2);
});
