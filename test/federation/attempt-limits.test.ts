import {describe, expect, it} from 'vitest';
import {capped, limitedBy} from '../../src/federation/attempt-limits.ts';
import {TeamLoad} from '../../src/federation/team-load.ts';
import type {Vitals} from '../../src/model/health.ts';
import {taskSeq} from '../../src/model/ids.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';
import {EngineWorld, SUCCESS, task} from './engine-world.ts';

const GIB = 1024 ** 3;

function planOf(text: string) {
  const parsed = parsePlan({file: 'plan.yaml', bytes: Buffer.from(text)});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.plan;
}

describe('limits of a group', () => {
  const {tasks, agents} = planOf(`version: 1
defaults: {timeout: 30m, limits: {memory: 1GiB, nice: 3}}
agents:
  coder: {count: 1, runtime: claude, timeout: 2h, limits: {memory: 4GiB, tokens: 500, disk: 2GiB}}
  runner: {count: 1, limits: {cpus: 1}}
tasks:
  write: {prompt: Do it.}
  build: {run: make, timeout: 5m, limits: {memory: 3GiB}}
  plain: {run: make}
`);
  const [write, build, plain] = tasks;
  const [coder, runner] = agents ?? [];
  if (!write || !build || !plain || !coder || !runner) throw new Error('there are three tasks and two groups');
  const held = (spec: typeof write, group: typeof coder) => {
    const {limits, timeoutMs} = limitedBy(spec, group);
    return {...limits, timeoutMs};
  };

  it('go over the defaults and under what the task says itself, each by itself', () => {
    const disk = {diskBytes: 2 * GIB};
    expect(held(write, coder)).toEqual({memoryBytes: 4 * GIB, nice: 3, tokens: 500, ...disk, timeoutMs: 7_200_000});
    expect(held(build, coder)).toEqual({memoryBytes: 3 * GIB, nice: 3, timeoutMs: 300_000});
    expect(held(plain, coder)).toEqual({memoryBytes: 4 * GIB, nice: 3, timeoutMs: 7_200_000});
    expect(held(plain, runner)).toEqual({memoryBytes: GIB, nice: 3, cpus: 1, timeoutMs: 1_800_000});
  });

  it('of tokens are part of the cap, whatever the budget allows', () => {
    const spec = limitedBy(write, coder);
    expect(capped({usd: 1, tokens: null}, spec)).toEqual({usd: 1, tokens: 500});
    expect(capped({usd: null, tokens: 90}, spec)).toEqual({usd: null, tokens: 90});
    expect(capped({usd: 1, tokens: null}, plain)).toEqual({usd: 1, tokens: null});
  });

  it('reach the host that has the attempt', () => {
    const world = new EngineWorld();
    const group = {...runner, name: 'g', count: 1, limits: {memoryBytes: 5}, timeoutMs: 77};
    world.start([task('a')], {count: 1, groups: [group]});
    expect(world.assigned()[0]?.spec).toMatchObject({limits: {memoryBytes: 5}, timeoutMs: 77});
  });
});

describe('limits of a team', () => {
  const vitals = (attempt: number, changes: Partial<Vitals>): Vitals => ({
    attempt,
    processes: 1,
    cpuMs: 0,
    rssBytes: 0,
    outputBytes: 0,
    silentMs: 0,
    ...changes,
  });

  it('count what attempts use together, processors by what they have used since they were last heard of', () => {
    const load = new TeamLoad<number>();
    const asked = {ids: [1, 2], wasOver: false, nowMs: 1000};
    load.heard(1, vitals(1, {rssBytes: 60, outputBytes: 5}), 0);
    load.heard(2, vitals(2, {rssBytes: 40, outputBytes: 5}), 0);
    load.heard(3, vitals(3, {rssBytes: 1000}), 0);
    expect(load.excess({memoryBytes: 101}, asked)).toBe(null);
    expect(load.excess({memoryBytes: 100}, asked)).toContain('100 B of memory');
    expect(load.excess({memoryBytes: 105}, {...asked, wasOver: true})).not.toBe(null);
    expect(load.excess({memoryBytes: 112}, {...asked, wasOver: true})).toBe(null);
    expect(load.excess({outputBytes: 10}, asked)).toContain('printed');
    load.heard(1, vitals(1, {cpuMs: 1500}), 1000);
    expect(load.excess({cpus: 1.5}, asked)).toContain('1.5 processor cores');
    expect(load.excess({cpus: 1.6}, asked)).toBe(null);
    expect(load.excess({cpus: 1.5}, {...asked, nowMs: 9000})).toBe(null);
    load.ended(2);
    expect(load.excess({outputBytes: 6}, asked)).toBe(null);
  });

  it('let nothing new start while they are reached, which is shown and recorded once, and what runs goes on', () => {
    const world = new EngineWorld();
    const plan = {name: 'p', env: {}, tasks: [task('a'), task('b'), task('c')], limits: {memoryBytes: 1000}};
    const id = world.start([], {count: 2, plan});
    expect(world.order()).toEqual(['a', 'b']);
    const [a, b] = world.assigned();
    if (!a || !b) throw new Error('two run');
    const tell = (rssBytes: number) =>
      world.give({type: 'vitals', hostId: world.host, lagMs: 0, vitals: [vitals(a.attempt, {rssBytes})]});
    tell(1200);
    tell(1300);
    world.give({type: 'attempt-finished', hostId: world.host, attempt: b.attempt, outcome: SUCCESS});
    expect(world.order()).toEqual(['a', 'b']);
    const why = 'its attempts to use less: they may take 1000 B of memory together (`limits` of the plan)';
    expect(world.view(id).waiting).toEqual([{why, tasks: 1}]);
    expect(world.engine.taskStanding(id, taskSeq(2))?.obstacles).toEqual([`It waits for ${why}.`]);
    tell(950);
    expect(world.order()).toEqual(['a', 'b']);
    tell(800);
    expect(world.order()).toEqual(['a', 'b', 'c']);
    expect(world.events('waiting-for-capacity').filter(event => event.why === why)).toHaveLength(1);
  });
});
