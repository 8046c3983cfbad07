import {describe, expect, it} from 'vitest';
import {attemptId, hostId} from '../../src/model/ids.ts';
import {COMMAND_FAILED, EngineWorld, failing, hostRecord, SUCCESS, task, teamSpec} from './engine-world.ts';

describe('the order of tasks', () => {
  it('starts a task only when all it needs have succeeded', () => {
    const world = new EngineWorld();
    world.start([task('a'), task('b', {needs: ['a']}), task('c', {needs: ['a', 'b']})]);
    expect(world.order()).toEqual(['a']);
    world.finish('a');
    expect(world.order()).toEqual(['a', 'b']);
    world.finish('b');
    world.finish('c');
    expect(world.view(world.engine.teamIds()[0]!).state).toBe('succeeded');
  });

  it('prefers priority, then the critical path, then the order of the plan', () => {
    const world = new EngineWorld();
    world.start(
      [task('x'), task('y'), task('long1'), task('long2', {needs: ['long1']}), task('urgent', {priority: 5})],
      {count: 1},
    );
    for (const id of ['urgent', 'long1', 'x', 'y', 'long2']) world.finish(id);
    expect(world.order()).toEqual(['urgent', 'long1', 'x', 'y', 'long2']);
  });

  it('shares permits fairly between teams', () => {
    const world = new EngineWorld({permits: 4});
    world.connect();
    const many = Array.from({length: 10}, (_, index) => task(`t${index}`));
    world.spawn(teamSpec(many, {name: 'first', count: 10}));
    for (const id of ['t0', 't1', 't2', 't3']) world.attemptOf(id);
    world.spawn(teamSpec(many, {name: 'second', count: 10}));
    const firsts = world.assigned().slice(0, 4);
    for (const {attempt} of firsts.slice(0, 2)) {
      world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome: SUCCESS});
    }
    const names = world.assigned().map(({agentId}) => agentId.split('-')[0]);
    expect(names.slice(4)).toEqual(['second', 'second']);
  });

  it('never runs more than the permits allow and says why the rest waits', () => {
    const world = new EngineWorld({permits: 1});
    const id = world.start([task('a'), task('b')]);
    expect(world.order()).toEqual(['a']);
    expect(world.view(id).waiting).toContainEqual({why: 'test limit', tasks: 1});
    world.finish('a');
    expect(world.order()).toEqual(['a', 'b']);
  });

  it('says why instances wait that nobody has looked at before', () => {
    const world = new EngineWorld({permits: 1});
    const id = world.start([task('f', {foreach: {from: 'list', items: [1, 2, 3]}, maxParallel: 1})]);
    expect(world.view(id).waiting).toEqual([{why: 'as many of its kind run as max-parallel allows', tasks: 2}]);
  });

  it('runs at most max-parallel instances of a foreach', () => {
    const world = new EngineWorld();
    const items = [1, 2, 3, 4];
    world.start([task('f', {foreach: {from: 'list', items}, maxParallel: 2}), task('g')], {count: 10});
    expect(world.order().sort()).toEqual(['f[1]', 'f[2]', 'g']);
    world.finish('f[1]');
    expect(world.order().at(-1)).toBe('f[3]');
  });
});

describe('failure', () => {
  it('skips what needs a failed task and lets other branches go on', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b', {needs: ['a']}), task('c', {needs: ['b']}), task('other')]);
    world.finish('a', failing());
    world.finish('other');
    const view = world.view(id);
    expect(view.tasks).toMatchObject({succeeded: 1, failed: 1, skipped: 2});
    expect([view.state, view.outcome]).toEqual(['failed', 'tasks-failed']);
  });

  it('runs failure() after any ancestor failed and skips it without fault otherwise', () => {
    const plan = [task('a'), task('b', {needs: ['a']}), task('clean', {needs: ['b'], condition: 'failure'})];
    const bad = new EngineWorld();
    bad.start(plan);
    bad.finish('a', failing());
    expect(bad.order()).toEqual(['a', 'clean']);
    const good = new EngineWorld();
    const id = good.start(plan);
    good.finish('a');
    good.finish('b');
    expect(good.view(id)).toMatchObject({state: 'succeeded', outcome: 'ok', tasks: {skipped: 1}});
  });

  it('runs always() whatever happened', () => {
    const world = new EngineWorld();
    world.start([task('a'), task('report', {needs: ['a'], condition: 'always'})]);
    world.finish('a', failing());
    expect(world.order()).toEqual(['a', 'report']);
  });

  it('counts a failure under continue-on-error as success', () => {
    const world = new EngineWorld();
    const id = world.start([task('a', {continueOnError: true}), task('b', {needs: ['a']})]);
    world.finish('a', failing());
    world.finish('b');
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {failed: 1, succeeded: 1}});
  });

  it('tries again after a growing delay, and only as often as retries says', () => {
    const world = new EngineWorld();
    const id = world.start([task('a', {retries: 2})]);
    world.finish('a', failing());
    expect(world.order()).toHaveLength(1);
    const delays = [];
    for (let tries = 0; tries < 2; tries += 1) {
      const due = world.engine.nextDeadlineMs();
      delays.push(due! - world.nowMs);
      world.later(due! - world.nowMs);
      world.finish('a', failing());
    }
    expect(delays[0]).toBeGreaterThanOrEqual(50);
    expect(delays[0]).toBeLessThanOrEqual(100);
    expect(delays[1]).toBeGreaterThanOrEqual(100);
    expect(delays[1]).toBeLessThanOrEqual(200);
    expect(world.assigned().map(({number}) => number)).toEqual([1, 2, 3]);
    expect(world.view(id)).toMatchObject({state: 'failed', attempts: 3, retries: 2});
  });

  it('stops everything at the first failure with fail-fast', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b'), task('c', {needs: ['b']})], {failFast: true});
    world.finish('a', failing());
    expect(world.effects).toContainEqual({
      type: 'stop-attempts',
      hostId: world.host,
      attempts: [world.attemptOf('b')],
      by: 'fail-fast',
    });
    world.finish('b', failing({reason: 'stopped', by: 'fail-fast'}));
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 1, cancelled: 2}});
  });

  it('stops at the given number of failures', () => {
    const world = new EngineWorld();
    const tasks = Array.from({length: 6}, (_, index) => task(`t${index}`));
    const id = world.start(tasks, {count: 1, maxFailures: 2});
    world.finish('t0', failing());
    world.finish('t1', failing());
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {failed: 2, cancelled: 4}});
  });
});

describe('fan-out', () => {
  const plan = [
    task('list', {outputs: 'json'}),
    task('check', {needs: ['list'], foreach: {from: 'output', task: 'list', path: []}}),
    task('join', {needs: ['check']}),
  ];

  it('reads the output of the upstream task and adds an instance per item', () => {
    const world = new EngineWorld();
    const id = world.start(plan);
    world.finish('list');
    expect(world.effects).toContainEqual(expect.objectContaining({type: 'read-output', task: 0}));
    world.give({type: 'output-read', teamId: id, task: 0 as never, output: {ok: true, value: ['x', 'y', 'z']}});
    expect(world.view(id).tasks.total).toBe(5);
    for (const item of ['x', 'y', 'z']) world.finish(`check[${item}]`);
    expect(world.assigned().at(-1)).toMatchObject({
      taskId: 'join',
      needs: [{id: 'check', state: 'succeeded', foreach: true, total: 3, succeeded: 3}],
    });
    world.finish('join');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('goes on with what needs it when there are no items', () => {
    const world = new EngineWorld();
    const id = world.start(plan);
    world.finish('list');
    world.give({type: 'output-read', teamId: id, task: 0 as never, output: {ok: true, value: []}});
    expect(world.order()).toEqual(['list', 'join']);
    expect(world.view(id).tasks.total).toBe(2);
  });

  it('fails the foreach when the output is not a list', () => {
    const world = new EngineWorld();
    const id = world.start(plan);
    world.finish('list');
    world.give({type: 'output-read', teamId: id, task: 0 as never, output: {ok: true, value: {a: 1}}});
    expect(world.view(id)).toMatchObject({state: 'failed', tasks: {total: 3, succeeded: 1, failed: 1, skipped: 1}});
    expect(world.view(id).failures[0]?.failure.reason).toBe('foreach-invalid');
  });
});

describe('leases', () => {
  it('rejects a report about an attempt that is over, and one from another host', () => {
    const world = new EngineWorld();
    world.start([task('a'), task('b')]);
    world.finish('a');
    const before = world.records.length;
    world.finish('a', failing());
    const other = hostId('h2');
    world.give({type: 'attempt-finished', hostId: other, attempt: world.attemptOf('b'), outcome: SUCCESS});
    world.give({type: 'attempt-finished', hostId: world.host, attempt: attemptId(999), outcome: SUCCESS});
    expect(world.records.slice(before).map(record => record.kind)).toEqual(['event', 'event', 'event']);
    expect(world.events('report-rejected').map(({why}) => why)).toEqual([
      'not-current',
      'wrong-host',
      'unknown-attempt',
    ]);
  });

  it('leases a task of a dead host again only when its processes are gone', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    const first = world.attemptOf('a');
    world.give({type: 'host-gone', hostId: world.host});
    expect(world.effects).toContainEqual({type: 'start-host', machineId: 'm'});
    const next = hostId('h2');
    world.give({type: 'host-connected', host: hostRecord(next), holds: [], agents: [], teams: []});
    expect(world.effects).toContainEqual({type: 'reap', hostId: next, attempts: [first]});
    expect(world.order()).toEqual(['a']);
    world.give({type: 'strays-gone', hostId: next, attempts: [first]});
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', number: 2});
    expect(world.view(world.engine.teamIds()[0]!).retries).toBe(0);
  });

  it('gives up a task that keeps losing its host', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    for (let round = 0; round < 4; round += 1) {
      const attempt = world.attemptOf('a');
      const host = hostId(`r${round}`);
      world.give({type: 'host-gone', hostId: round === 0 ? world.host : hostId(`r${round - 1}`)});
      world.give({type: 'host-connected', host: hostRecord(host), holds: [], agents: [], teams: []});
      world.give({type: 'strays-gone', hostId: host, attempts: [attempt]});
      // The first loss is made good at once, later ones after a delay.
      const atOnce = world.attemptOf('a') !== attempt;
      expect(atOnce).toBe(round === 0);
      world.later(1000);
    }
    expect(world.view(id).failures[0]?.failure).toMatchObject({reason: 'attempts-lost', times: 4});
  });

  it('kills a host that stays silent', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    world.give({type: 'host-disconnected', hostId: world.host});
    world.later(999);
    expect(world.effects.some(({type}) => type === 'kill-host')).toBe(false);
    world.later(1);
    expect(world.effects).toContainEqual({type: 'kill-host', hostId: world.host});
  });

  it('sends a lease again that never reached its host, and stops what the host holds without one', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    const attempt = world.attemptOf('a');
    world.give({type: 'host-disconnected', hostId: world.host});
    const stray = attemptId(77);
    const step = world.give({
      type: 'host-connected',
      host: hostRecord(world.host),
      holds: [stray],
      agents: [],
      teams: [],
    });
    expect(step.effects).toContainEqual(
      expect.objectContaining({type: 'assign', assignment: expect.objectContaining({attempt})}),
    );
    expect(step.effects).toContainEqual({
      type: 'stop-attempts',
      hostId: world.host,
      attempts: [stray],
      by: 'superseded',
    });
  });
});

describe('teams', () => {
  it('ends a team by stopping what runs and cancelling the rest, then answers', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b', {needs: ['a']})]);
    const step = world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
    expect(step.effects.some(({type}) => type === 'answer')).toBe(false);
    expect(world.view(id).state).toBe('draining');
    const last = world.finish('a', failing({reason: 'stopped', by: 'user'}));
    expect(last.effects).toContainEqual(expect.objectContaining({type: 'answer', request: 9}));
    expect(last.effects).toContainEqual({type: 'close-team', hostId: world.host, teamId: id});
    expect(world.view(id)).toMatchObject({state: 'killed', outcome: 'killed', tasks: {cancelled: 2}});
  });

  it('keeps a team without a plan idle until it is ended', () => {
    const world = new EngineWorld();
    world.connect();
    const id = world.spawn(teamSpec(null));
    expect(world.view(id)).toMatchObject({state: 'idle', agents: {ready: 2}});
    world.give({type: 'end-team', request: 2, teamId: id, by: 'user'});
    expect(world.view(id).state).toBe('killed');
  });

  it('ends a team whose time is up', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {timeoutMs: 500});
    world.later(500);
    world.finish('a', failing({reason: 'stopped', by: 'team-timeout'}));
    expect(world.view(id)).toMatchObject({state: 'failed', outcome: 'timed-out'});
  });

  it('refuses a name that is taken or finds the next free one', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    const again = teamSpec([task('a')]);
    const refused = world.give({type: 'spawn-team', request: 5, spec: again, nameTaken: 'refuse'});
    expect(refused.records).toEqual([]);
    expect(refused.effects).toContainEqual(
      expect.objectContaining({result: {ok: false, failure: {reason: 'team-exists', name: 'audit', state: 'running'}}}),
    );
    world.give({type: 'spawn-team', request: 6, spec: again, nameTaken: 'suffix'});
    expect(world.engine.teamNamed('audit-2')).not.toBeNull();
  });

  it('forgets a team that is over when asked to, and refuses while it is not', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    const early = world.give({type: 'remove-team', request: 3, teamId: id});
    expect(early.effects).toContainEqual(expect.objectContaining({result: expect.objectContaining({ok: false})}));
    world.finish('a');
    const step = world.give({type: 'remove-team', request: 4, teamId: id});
    expect(step.records).toEqual([{kind: 'team-removed', id}]);
    expect(world.engine.teamNamed('audit')).toBeNull();
  });

  it('keeps so many teams that are over, and removes the oldest beyond that', () => {
    const world = new EngineWorld();
    world.connect();
    const ids = ['one', 'two', 'three'].map(name => {
      const id = world.spawn(teamSpec([task(name)], {name}));
      world.finish(name);
      return id;
    });
    expect(world.engine.teamIds()).toEqual(ids.slice(1));
    expect(world.records).toContainEqual({kind: 'team-removed', id: ids[0]});
    expect(world.effects).toContainEqual({type: 'forget-team', teamId: ids[0], name: 'one'});
  });

  it('ends a team whose agents all fail', () => {
    const world = new EngineWorld();
    world.connect();
    const spec = teamSpec([task('a')]);
    world.engine.handle({type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'}, world.now());
    const id = world.engine.teamNamed('audit')!;
    const agents = ['audit-01', 'audit-02'] as never[];
    world.give({type: 'agents-failed', hostId: world.host, agents, detail: 'no shell'});
    expect(world.view(id)).toMatchObject({state: 'failed', agents: {failed: 2}, tasks: {cancelled: 1}});
    expect(world.events('agents-failed')[0]?.failure).toMatchObject({reason: 'agent-failed', detail: 'no shell'});
  });

  it('gives no more work to an agent whose runtime failed while it was at work', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b', {needs: ['a']})], {count: 1});
    world.give({type: 'agents-failed', hostId: world.host, agents: ['audit-01'] as never[], detail: 'no shell'});
    world.finish('a');
    expect(world.order()).toEqual(['a']);
    expect(world.view(id)).toMatchObject({state: 'failed', agents: {failed: 1}, tasks: {succeeded: 1, cancelled: 1}});
  });

  it('survives a chain of 100,000 skips without recursion', () => {
    const world = new EngineWorld();
    const tasks = Array.from({length: 100_000}, (_, i) => task(`t${i}`, i === 0 ? {} : {needs: [`t${i - 1}`]}));
    const id = world.start(tasks);
    world.finish('t0', failing(COMMAND_FAILED));
    expect(world.view(id).tasks.skipped).toBe(99_999);
  });
});

describe('hosts that cannot be started', () => {
  it('end the team of today and that of tomorrow, each after the same number of tries', () => {
    const world = new EngineWorld();
    for (const name of ['today', 'tomorrow']) {
      const id = world.spawn(teamSpec([task('a')], {name}));
      for (let tries = 1; tries <= 5; tries += 1) {
        expect(world.view(id).state).toBe('running');
        world.give({type: 'host-start-failed', machineId: 'm', detail: 'no node here'});
        world.later(60_000);
      }
      expect(world.view(id)).toMatchObject({state: 'failed', tasks: {cancelled: 1}});
    }
  });
});
