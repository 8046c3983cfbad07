import type {Dice} from './dice.ts';

/** How often each thing goes wrong: probabilities per occasion, or per second of virtual time where the name says so. */
export interface Faults {
  /** The daemon dies, per batch of inputs; where exactly is drawn evenly from all points. */
  readonly daemonCrash: number;
  readonly daemonPausePerS: number;
  readonly hostCrashPerS: number;
  readonly hostStartFailure: number;
  readonly linkBreakPerS: number;
  /** A broken link stays broken for longer than the daemon's patience. */
  readonly longPartition: number;
  readonly processSurvivesHost: number;
  /** Reports said again later, from a connection that is no more; and acknowledgements that never arrive. */
  readonly lateDuplicatePerS: number;
  readonly ackLost: number;
  /** Reports about attempts and agents of another host. */
  readonly forgedReportPerS: number;
  /** Reports of one batch arrive in another order. */
  readonly reorder: number;
  readonly agentFailure: number;
  readonly taskFailure: number;
  readonly slowTask: number;
  readonly ignoresTerm: number;
  readonly outputUnreadable: number;
  readonly wallJumpPerS: number;
  readonly freezePerS: number;
  readonly permitChangePerS: number;
  readonly userKill: number;
  readonly spuriousTickPerS: number;
  /** A provider lets nothing more of an attempt through. */
  readonly providerLimits: number;
  /** How many attempts a provider allows at a time changes. */
  readonly gateChangePerS: number;
  readonly memoryChangePerS: number;
  readonly usageUnknown: number;
  readonly reviewRejects: number;
  readonly mergeConflict: number;
  readonly mergeBreaks: number;
  /** git itself fails in a merge. */
  readonly gitTrouble: number;
  /** Agents that are slow, flaky, hang now and then, or fail at once whatever they are given. */
  readonly badAgent: number;
  /** Attempts that go silent and do not end. */
  readonly attemptHangs: number;
  /** Hosts that do nothing for a while, though their connection stands. */
  readonly hostHangPerS: number;
  /** A host gets so little of the processor that its beats stay away for a while. */
  readonly hostStarvePerS: number;
  /** Breakers around runtimes and providers open. */
  readonly breakerPerS: number;
  /** Somebody changes teams while they are at work, and takes them up again when they are over. */
  readonly userMeddles: number;
  /** Teams that scale by themselves. */
  readonly scaling: number;
}

const WORST: Faults = {
  daemonCrash: 0.15,
  daemonPausePerS: 0.05,
  hostCrashPerS: 0.2,
  hostStartFailure: 0.3,
  linkBreakPerS: 0.4,
  longPartition: 0.4,
  processSurvivesHost: 0.8,
  lateDuplicatePerS: 0.8,
  ackLost: 0.4,
  forgedReportPerS: 0.3,
  reorder: 0.5,
  agentFailure: 0.15,
  taskFailure: 0.35,
  slowTask: 0.15,
  ignoresTerm: 0.7,
  outputUnreadable: 0.3,
  wallJumpPerS: 0.1,
  freezePerS: 0.04,
  permitChangePerS: 0.3,
  userKill: 0.6,
  spuriousTickPerS: 0.3,
  providerLimits: 0.5,
  gateChangePerS: 0.4,
  memoryChangePerS: 0.2,
  usageUnknown: 0.4,
  reviewRejects: 0.8,
  mergeConflict: 0.7,
  mergeBreaks: 0.4,
  gitTrouble: 0.9,
  badAgent: 0.4,
  attemptHangs: 0.2,
  hostHangPerS: 0.1,
  hostStarvePerS: 0.1,
  breakerPerS: 0.2,
  userMeddles: 0.8,
  scaling: 0.8,
};

/**
 * The faults of one seed. Each kind is absent in about half of all seeds and otherwise of random strength, because a
 * world in which everything fails at once hides the bugs that need one thing to go wrong and the rest to go well.
 */
export function drawFaults(dice: Dice): Faults {
  const kinds = Object.entries(WORST).map(([kind, worst]: [string, number]) => {
    const strength = dice.chance(0.45) ? 0 : dice.spread(0.05, 1);
    return [kind, worst * strength];
  });
  // The entries of WORST come back under the same keys, so this is a Faults again.
  return Object.fromEntries(kinds) as Faults;
}

export const NO_FAULTS = Object.fromEntries(Object.keys(WORST).map(kind => [kind, 0])) as unknown as Faults;

/** How often something was exercised, so that nobody can believe in a fault that never happened. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
