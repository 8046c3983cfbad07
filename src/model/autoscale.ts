import type {Ejection} from './ejection.ts';
import type {StrategyChoice} from './strategy.ts';

/** When a team grows and shrinks by itself. */
export interface Autoscale {
  /** Agents it always has, ≥ 0. */
  readonly min: number;
  /** Agents it never has more of, ≥ max(1, min). */
  readonly max: number;
  /** It grows when more tasks than this are ready and wait for an agent, 0 to `MOST_QUEUED`; default 0. */
  readonly scaleUpThreshold: number;
  /** It shrinks when less of its slots than this is at work, 0 to 1; default 0.2. */
  readonly scaleDownThreshold: number;
  /** An agent that has been idle this long may go, in milliseconds, > 0. */
  readonly idleMs: number;
  /** Agent hours by `costPerHour` of their group and metered usage together, in USD an hour; null: no limit. */
  readonly maxCostPerHour: number | null;
}

export const MOST_QUEUED = 1_000_000;

/** What holds for what nobody has said otherwise. */
export const DEFAULT_AUTOSCALE: Autoscale = {
  min: 1,
  max: 50,
  scaleUpThreshold: 0,
  scaleDownThreshold: 0.2,
  idleMs: 30_000,
  maxCostPerHour: null,
};

/** What can be changed of a team while it runs. */
export interface TeamSettings {
  /** Null: it has the agents that people have asked for. */
  readonly autoscale: Autoscale | null;
  readonly strategy: StrategyChoice;
  /** Absent: as by default. */
  readonly ejection?: Ejection;
  readonly paused: boolean;
  /** Why godel has paused it, as a sentence; absent: somebody has, or nobody. */
  readonly pausedBecause?: string;
  readonly onBudget: OnBudget;
}

/** How a team is run of which nothing else was said. */
export const DEFAULT_SETTINGS: TeamSettings = {
  autoscale: null,
  strategy: {name: 'weighted'},
  paused: false,
  onBudget: 'stop',
};

/**
 * What happens when the budget does not allow what is to be started next. stop: what runs ends, then the team is over. pause: the
 * team waits until somebody raises the budget or ends it. ask: as pause, and a terminal that watches asks.
 */
export type OnBudget = 'stop' | 'pause' | 'ask';

/**
 * What keeps a team that scales by itself from growing though tasks wait. max: it has as many agents as it may. cost: another one would
 * cost more an hour than it may. threshold: too few tasks wait. machine: the machine or an account lets no more run.
 */
export type GrowthLimit = 'max' | 'cost' | 'threshold' | 'machine';

/** Why a team has been given more or fewer agents, with what the decision was made from. */
export interface ScaleDecision {
  readonly from: number;
  readonly to: number;
  readonly why: 'asked' | 'queue' | 'burst' | 'width' | 'idle' | 'cost' | 'limits';
  readonly inputs: ScaleInputs | null;
}

/** What the auto-scaler looks at. */
export interface ScaleInputs {
  readonly agents: number;
  readonly busySlots: number;
  readonly slots: number;
  /** Ready tasks that wait only for an agent. */
  readonly queued: number;
  /** What those are expected to take in all, in milliseconds of one agent; null: nothing is known yet. */
  readonly queuedWorkMs: number | null;
  /** How long the ready task has waited that nine of ten have not waited longer than, in milliseconds. */
  readonly waitP90Ms: number;
  /** Most tasks that the rest of the plan can have running at a time. */
  readonly width: number;
  /** Tasks that are expected to want to run at a time by when a new agent would be there; absent: nothing is expected. */
  readonly soon?: number;
  readonly usdPerHour: number | null;
}
