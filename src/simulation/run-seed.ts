import {seededRandom} from '../base/random.ts';
import {Engine, type EngineOptions} from '../federation/engine.ts';
import {LIMITS, memoryOf} from './engine-limits.ts';
import type {EngineFactory} from './engine-under-test.ts';
import type {Faults} from './faults.ts';
import type {DaemonHabits} from './simulated-daemon.ts';
import type {SimulatedStore} from './simulated-store.ts';
import {Violation} from './violation.ts';
import {World} from './world.ts';

export interface SeedOptions {
  /** A broken engine, to see whether it is noticed. */
  readonly makeEngine?: EngineFactory;
  /** A broken daemon. */
  readonly habits?: Partial<DaemonHabits>;
  readonly faults?: Partial<Faults>;
  readonly store?: SimulatedStore;
  /** Receives every line of the trace. */
  readonly onLine?: (line: string) => void;
}

export type SeedResult =
  | {readonly ok: true; readonly seed: number; readonly stats: SeedStats}
  | {
      readonly ok: false;
      readonly seed: number;
      readonly stats: SeedStats;
      readonly violation: string;
      /** The last lines of the trace, oldest first. */
      readonly trace: readonly string[];
    };

export interface SeedStats {
  /** Over the whole trace: the same for every run of one seed. */
  readonly hash: string;
  readonly lines: number;
  readonly virtualMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Lives through one simulated world. Everything in it follows from the seed. */
export function runSeed(seed: number, options: SeedOptions = {}): SeedResult {
  const makeEngine = options.makeEngine ?? realEngine(seed);
  const {habits, faults, store, onLine} = options;
  const world = new World({seed, makeEngine, habits, faults, store, onLine});
  const startedMs = world.time.now().monoMs;
  const stats = (): SeedStats => {
    world.countEnds();
    const {hash, lines} = world.trace;
    return {hash, lines, virtualMs: world.time.now().monoMs - startedMs, counts: world.tally.counts()};
  };
  try {
    world.run();
    return {ok: true, seed, stats: stats()};
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return {ok: false, seed, stats: stats(), violation: error.message, trace: world.trace.last()};
  }
}

/** The engine as it is, with limits that make its slow paths happen within a simulated minute. */
export function realEngine(seed: number, changes: Partial<EngineOptions> = {}): EngineFactory {
  const random = seededRandom(seed);
  const options = {
    machineId: 'machine-1',
    bootId: 'boot',
    keepTeams: 2,
    hostLostMs: 15_000,
    retryBaseMs: 500,
    retryMaxMs: 20_000,
    ...LIMITS,
    memoryOf,
    random,
    ...changes,
  };
  return (stored, now) => {
    const {engine, step} = Engine.restore(stored, options, now);
    return {
      step,
      engine: {
        handle: (input, at) => engine.handle(input, at),
        nextDeadlineMs: () => engine.nextDeadlineMs(),
        view: (id, at) => engine.view(id, at),
        standing: (id, task) => engine.taskStanding(id, task),
        agents: (id, {now: at}) => engine.agents(id, {now: at, recorded: () => undefined}),
      },
    };
  };
}
