import fc from 'fast-check';
import {expect, test} from 'vitest';
import {CausalView} from '../../../src/hub/replica/causal-view.ts';
import type {Dot, Order} from '../../../src/hub/replica/version-vector.ts';
import {
  compareWrites,
  conflicts,
  encodeWriteClock,
  missingBefore,
  parseWriteClock,
  type PlacedWrite,
  saw,
  type WriteClock,
} from '../../../src/hub/replica/write-clock.ts';

/** One write with all that happened before it, spelled out: the brute-force answer to who saw what. */
interface Told {
  readonly clock: WriteClock;
  readonly past: ReadonlySet<Told>;
  position: number | null;
}

/** An agent with its view, what it has yet to push, and everything it has seen, one by one. */
interface Agent {
  view: CausalView;
  readonly seen: Set<Told>;
  readonly outbox: Told[];
}

type Step =
  | {readonly kind: 'write' | 'push' | 'die' | 'restart'; readonly who: number}
  | {readonly kind: 'pull'; readonly who: number; readonly count: number}
  | {readonly kind: 'tell'; readonly who: number; readonly to: number; readonly which: number};

const AGENTS = 4;
const LOG = 'tenant/1';

const who = fc.nat({max: AGENTS - 1});
const steps = fc.array(
  fc.oneof(
    {weight: 4, arbitrary: fc.record({kind: fc.constantFrom('write' as const, 'push' as const), who})},
    {weight: 3, arbitrary: fc.record({kind: fc.constant('pull' as const), who, count: fc.integer({min: 1, max: 4})})},
    {weight: 2, arbitrary: fc.record({kind: fc.constant('tell' as const), who, to: who, which: fc.nat()})},
    {weight: 1, arbitrary: fc.record({kind: fc.constantFrom('die' as const, 'restart' as const), who})},
  ),
  {maxLength: 50, size: 'max'},
);

/** Agents write, push, pull, tell each other directly, crash and are replaced by new ones. */
class World {
  readonly writes: Told[] = [];
  readonly log: Told[] = [];
  lives = 0;
  readonly agents: Agent[] = Array.from({length: AGENTS}, () => this.#born());

  do(step: Step): void {
    const agent = this.agents[step.who]!;
    switch (step.kind) {
      case 'write': {
        const told: Told = {clock: agent.view.write(), past: new Set(agent.seen), position: null};
        agent.seen.add(told);
        agent.outbox.push(told);
        this.writes.push(told);
        break;
      }
      case 'push': {
        const next = agent.outbox.shift();
        if (next === undefined) break;
        // The log is closed: who pushes pushes first what it has heard and the log lacks.
        if (missingBefore(next.clock, this.#inLog(this.log.length)) === null) this.#append(next);
        else for (const told of this.writes) if (told === next || next.past.has(told)) this.#append(told);
        break;
      }
      case 'pull':
        for (const told of this.log.slice(agent.view.base, agent.view.base + step.count)) {
          expect(agent.view.read(told.position!, told.clock)).toMatchObject({ok: true});
          agent.seen.add(told);
          for (const before of told.past) agent.seen.add(before);
        }
        break;
      case 'tell':
        this.#tell(this.agents[step.to]!, agent.outbox[step.which % Math.max(1, agent.outbox.length)]);
        break;
      case 'die':
        // Crashes: what was not pushed never reaches the log, though some may have been told of it.
        this.agents[step.who] = this.#born();
        break;
      case 'restart': {
        const read = CausalView.parse(JSON.parse(JSON.stringify(agent.view)));
        if (!read.ok) throw new Error(read.failure.detail);
        agent.view = read.value;
      }
    }
  }

  /** Heard only if all before it is known; exactly then, which the full history knows too. */
  #tell(to: Agent, told: Told | undefined): void {
    if (told === undefined) return;
    const heard = to.view.hear(told.clock, this.#inLog(to.view.base));
    if (!heard.ok) return;
    for (const before of told.past) expect(to.seen.has(before)).toBe(true);
    to.seen.add(told);
  }

  #append(told: Told): void {
    if (told.position !== null) return;
    expect(missingBefore(told.clock, this.#inLog(this.log.length))).toBeNull();
    this.log.push(told);
    told.position = this.log.length;
  }

  #inLog(upTo: number): (dot: Dot) => boolean {
    return ({node, counter}) =>
      this.log.slice(0, upTo).some(({clock}) => clock.node === node && clock.counter === counter);
  }

  #born(): Agent {
    this.lives += 1;
    return {view: new CausalView({log: LOG, node: `life-${this.lives}`}), seen: new Set(), outbox: []};
  }
}

function truth(a: Told, b: Told): Order {
  if (a === b) return 'equal';
  if (b.past.has(a)) return 'before';
  return a.past.has(b) ? 'after' : 'concurrent';
}

test('clocks say of any two writes what their whole histories say', () => {
  const met = new Set<Order>();
  fc.assert(
    fc.property(steps, taken => {
      const world = new World();
      for (const step of taken) world.do(step);
      for (const a of world.writes) {
        for (const b of world.writes) {
          expect(compareWrites(a, b)).toBe(truth(a, b));
          expect(saw(b, a)).toBe(b.past.has(a));
          expect(conflicts(a, b)).toBe(truth(a, b) === 'concurrent');
          met.add(truth(a, b));
        }
      }
    }),
    {numRuns: 80},
  );
  expect([...met].toSorted()).toEqual(['after', 'before', 'concurrent', 'equal']);
});

test('clocks do not grow with the number of agents there have been', () => {
  const world = new World();
  for (let life = 0; life < 200; life += 1) {
    world.do({kind: 'pull', who: 0, count: 100});
    for (const kind of ['write', 'write', 'push', 'push'] as const) world.do({kind, who: 0});
    if (life % 2 === 0) world.do({kind: 'die', who: 0});
  }
  expect(world.lives).toBeGreaterThan(100);
  const largest = Math.max(...world.writes.map(({clock}) => JSON.stringify(encodeWriteClock(clock)).length));
  expect(largest).toBeLessThan(60);
  expect(Math.max(...world.writes.map(({clock}) => clock.beyond.size))).toBe(1);
});

test('a view reads the log without gaps, and hears nothing whose past it lacks', () => {
  const [a, b] = [new CausalView({log: LOG, node: 'a'}), new CausalView({log: LOG, node: 'b'})];
  expect(a.read(2, null)).toMatchObject({ok: false, failure: {kind: 'gap', pullTo: 1}});
  expect(a.read(1, null)).toMatchObject({ok: true});
  expect(a.read(1, null)).toMatchObject({ok: true});
  const first = a.write();
  const second = a.write();
  const never = () => false;
  expect(b.hear(first, never)).toMatchObject({ok: false, failure: {kind: 'gap', pullTo: 1}});
  expect(b.read(1, null)).toMatchObject({ok: true});
  expect(b.hear(second, never)).toMatchObject({ok: false, failure: {kind: 'gap', pullTo: null}});
  expect(b.hear(first, never)).toMatchObject({ok: true});
  expect(b.hear(second, never)).toMatchObject({ok: true});
  // What the log has already is not remembered beside it.
  expect(b.read(2, first)).toMatchObject({ok: true});
  expect(b.read(3, second)).toMatchObject({ok: true});
  expect(b.pending).toBe(0);
  expect(b.hear(second, () => true)).toMatchObject({ok: true});
  expect(b.pending).toBe(0);
  const elsewhere = new CausalView({log: 'tenant/2', node: 'c'});
  expect(elsewhere.hear(first, never)).toMatchObject({ok: false, failure: {kind: 'other-log'}});
});

test('positions of another log say nothing, so that writes on both sides of a restore are in conflict', () => {
  const before: PlacedWrite = {clock: new CausalView({log: 'tenant/1', node: 'a'}).write(), position: 3};
  const after: PlacedWrite = {clock: new CausalView({log: 'tenant/2', node: 'b', base: 9}).write(), position: 10};
  expect(conflicts(before, after)).toBe(true);
  const same: PlacedWrite = {clock: new CausalView({log: 'tenant/1', node: 'b', base: 9}).write(), position: 10};
  expect(compareWrites(before, same)).toBe('before');
});

test('a clock reads back as it was written', () => {
  fc.assert(
    fc.property(steps, taken => {
      const world = new World();
      for (const step of taken) world.do(step);
      for (const {clock} of world.writes) {
        const read = parseWriteClock(JSON.parse(JSON.stringify(encodeWriteClock(clock))));
        expect(read).toMatchObject({ok: true});
        expect(read.ok && encodeWriteClock(read.value)).toEqual(encodeWriteClock(clock));
      }
    }),
    {numRuns: 20},
  );
});
