import {describe, expect, test} from 'vitest';
import {AgentSelector, type Selectable} from '../../src/federation/agent-selector.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import {agentId, type AgentId} from '../../src/model/ids.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';
import {EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

const AGENTS: AgentGroup = {
  name: 'agent',
  count: 4,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};

function tasksOf(yaml: string): readonly TaskSpec[] {
  const parsed = parsePlan({file: 'godel.yaml', bytes: Buffer.from(yaml)});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.plan.tasks;
}

/** Finishes everything that is at work, round by round; returns who did which task. */
function playAll(world: EngineWorld): ReadonlyMap<string, AgentId> {
  const over = new Set<number>();
  for (;;) {
    const open = world.assigned().filter(({attempt}) => !over.has(attempt));
    const [next] = open;
    if (!next) break;
    over.add(next.attempt);
    world.nowMs += 10;
    world.give({type: 'attempt-finished', hostId: world.host, attempt: next.attempt, outcome: SUCCESS});
  }
  return new Map(world.assigned().map(({taskId, agentId: id}) => [taskId, id]));
}

describe('affinity', () => {
  const plan = (affinity: string) =>
    tasksOf(`
version: 1
tasks:
  build:
    foreach:
      ${['red', 'blue', 'green', 'pink'].flatMap(repo => [1, 2, 3].map(n => `- { repo: ${repo}, n: ${n} }`)).join('\n      ')}
    max-parallel: 1
    key: "\${{ item.repo }}-\${{ item.n }}"
    ${affinity}
    run: make
`);

  const agentsOfRepos = (affinity: string, strategy: 'consistent-hash' | 'round-robin') => {
    const world = new EngineWorld();
    world.start(plan(affinity), {count: 4, groups: [AGENTS], strategy: {name: strategy}});
    const by = new Map<string, Set<AgentId>>();
    for (const [id, agent] of playAll(world)) {
      const repo = /\[(\w+)-/.exec(id)?.[1] ?? '';
      by.set(repo, (by.get(repo) ?? new Set()).add(agent));
    }
    expect(by.size).toBe(4);
    return [...by.values()].map(agents => agents.size);
  };

  test('of a plan is filled in with the item, and instances with the same one go to the same agent', () => {
    expect(agentsOfRepos('affinity: "${{ item.repo }}"', 'consistent-hash')).toEqual([1, 1, 1, 1]);
  });

  test('is the id of a task that names none, and counts for that strategy only', () => {
    expect(Math.max(...agentsOfRepos('', 'consistent-hash'))).toBeGreaterThan(1);
    expect(Math.max(...agentsOfRepos('affinity: "${{ item.repo }}"', 'round-robin'))).toBeGreaterThan(1);
  });
});

test('the strategy of a team is changed while it runs, and what was recorded says by which one a choice was made', () => {
  const world = new EngineWorld({permits: 1});
  const tasks = Array.from({length: 12}, (_, n) => task(`t${String(n).padStart(2, '0')}`));
  const id = world.start(tasks, {count: 4, groups: [AGENTS], strategy: {name: 'round-robin'}});
  const doOne = () => {
    const last = world.assigned().at(-1);
    if (!last) throw new Error('nothing is at work');
    world.nowMs += 1000;
    world.give({
      type: 'attempt-finished',
      hostId: world.host,
      attempt: last.attempt,
      outcome: {...SUCCESS, durationMs: 1000},
    });
  };
  for (let n = 0; n < 4; n += 1) doOne();
  const answer = world.ask({
    type: 'scale-team',
    teamId: id,
    change: {strategy: {name: 'consistent-hash'}},
  });
  expect(answer).toMatchObject({ok: true, value: {settings: {strategy: {name: 'consistent-hash'}}}});
  for (let n = 0; n < 4; n += 1) doOne();
  const strategies = world.events('attempt-leased').map(({why}) => why?.strategy);
  expect(strategies.slice(0, 5)).toEqual(Array(5).fill('round-robin'));
  expect(strategies.slice(5, 9)).toEqual(Array(4).fill('consistent-hash'));
  // The first four were shared out one after the other; nothing of what was learned is lost by the change.
  expect(
    new Set(
      world
        .assigned()
        .slice(0, 4)
        .map(({agentId: agent}) => agent),
    ).size,
  ).toBe(4);
  const views = world.engine.agents(id, {now: world.now(), recorded: () => undefined});
  expect(views.map(({meanMs}) => meanMs)).toEqual([1000, 1000, 1000, 1000]);
});

test('the reason of a choice is recorded with who was compared and who was passed over', () => {
  const world = new EngineWorld();
  world.start([task('a', {retries: 3})], {count: 3, groups: [{...AGENTS, count: 3}]});
  const first = world.events('attempt-leased')[0];
  expect(first?.why).toMatchObject({strategy: 'weighted', candidates: 3, avoided: []});
  expect(first?.why?.compared.map(({agent}) => agent)).toHaveLength(3);
  expect(first?.why?.compared[0]?.agent).toBe(first?.agent);
  world.finish('a', failing());
  world.later(5000);
  const second = world.events('attempt-leased')[1];
  expect(second?.why?.avoided).toEqual([
    {agent: first?.agent, why: 'its attempt at this task has failed (command-failed)'},
  ]);
});

describe('a task whose attempt has failed', () => {
  const failedAt = (agents: number, failures: number) => {
    const world = new EngineWorld();
    world.start([task('a', {retries: 9})], {count: agents, groups: [{...AGENTS, count: agents}]});
    for (let n = 0; n < failures; n += 1) {
      world.finish('a', failing());
      world.later(5000);
    }
    return world.assigned().map(({agentId: agent}) => agent);
  };

  test('goes to somebody else each time, as long as there is anybody', () => {
    expect(new Set(failedAt(4, 3)).size).toBe(4);
  });

  test('goes to the same one when nobody else is there', () => {
    expect(failedAt(1, 2)).toHaveLength(3);
  });

  test('goes back to one that was only stopped by its provider', () => {
    const world = new EngineWorld();
    world.start([task('a', {retries: 9})], {
      count: 2,
      groups: [{...AGENTS, count: 2}],
      strategy: {name: 'least-connections'},
    });
    world.finish(
      'a',
      failing({reason: 'provider-limited', provider: 'pi', kind: 'throttled', retryAfterMs: 1, detail: ''}),
    );
    world.later(120_000);
    expect(world.events('attempt-leased')[1]?.why?.avoided).toEqual([]);
  });
});

const group = (name: string, changes: Partial<AgentGroup> = {}): AgentGroup => ({
  ...AGENTS,
  name,
  count: 0,
  ...changes,
});

function seat(id: string, index: number): Selectable {
  return {id: agentId(id), group: index, slots: 1, load: 0, host: null};
}

test('what a runtime and model can do with a skill is expected of those of whom nothing else is known', () => {
  const groups = [
    group('pi', {runtime: 'pi', skills: ['ts', 'sql']}),
    group('claude', {runtime: 'claude', skills: ['ts', 'sql']}),
  ];
  const selector = new AgentSelector<Selectable>({groups, strategy: {name: 'weighted'}, random: () => 0});
  const [pi, claude] = [seat('pi-1', 0), seat('claude-1', 1)];
  for (const one of [pi, claude]) selector.offer(one);
  // pi is quick with ts and slow with sql; claude the other way round.
  for (let n = 0; n < 30; n += 1) {
    for (const [one, skill, durationMs] of [
      [pi, 'ts', 1000],
      [claude, 'ts', 4000],
      [pi, 'sql', 4000],
      [claude, 'sql', 1000],
    ] as const) {
      const kind = {name: `prompt ${skill}`, skills: [skill]};
      selector.ended(one, {task: `${skill}-${n}`, kind, verdict: 'succeeded', durationMs, usd: null, nowMs: n * 1000});
    }
  }
  for (const one of [pi, claude]) selector.remove(one);
  // New ones, in an order that speaks for neither.
  for (const one of [seat('claude-2', 1), seat('pi-2', 0)]) selector.offer(one);
  const chosen = (skill: string) =>
    selector.take({
      nowMs: 31_000,
      candidates: [{group: 0}, {group: 1}],
      kind: {name: `prompt ${skill}`, skills: [skill]},
      affinity: 't',
    })?.agent.id;
  expect([chosen('ts'), chosen('sql')]).toEqual(['pi-2', 'claude-2']);
});

test('what was learned of an agent fades with the time: then the others are what it is expected to be', () => {
  const selector = new AgentSelector<Selectable>({
    groups: [group('any')],
    strategy: {name: 'weighted'},
    random: () => 0,
  });
  const [slow, other] = [seat('slow', 0), seat('other', 0)];
  for (const one of [slow, other]) selector.offer(one);
  const kind = {name: 'task', skills: []};
  const scores = (nowMs: number) => {
    const selection = selector.take({nowMs, candidates: [{group: 0}], kind, affinity: 't'});
    const of = (one: Selectable) => selection?.why.compared.find(({agent}) => agent === one.id)?.score ?? Number.NaN;
    return of(slow) / of(other);
  };
  for (let n = 0; n < 20; n += 1) {
    const base = {kind, verdict: 'succeeded', usd: null, nowMs: n * 1000} as const;
    selector.ended(slow, {...base, task: `s${n}`, durationMs: 9000});
    selector.ended(other, {...base, task: `o${n}`, durationMs: 1000});
  }
  const HOUR = 3_600_000;
  const fresh = scores(20_000);
  const [later, muchLater] = [scores(20_000 + HOUR), scores(20_000 + 24 * HOUR)];
  expect(fresh).toBeGreaterThan(1.5);
  expect(later).toBeLessThan(fresh);
  expect(later).toBeGreaterThan(1);
  expect(muchLater).toBeCloseTo(1, 2);
});
