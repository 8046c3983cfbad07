import type {AgentId} from '../../model/ids.ts';
import type {PreferredCost, StrategyName} from '../../model/strategy.ts';
import type {AgentRecord} from '../agent-record.ts';
import type {FreeList} from './free-list.ts';

/**
 * How an agent is chosen among those that are free. A strategy is told who is in the team (`join`, `leave`), whether free or not,
 * and sees who is free when it has to choose. The same calls with the same random numbers give the same choices.
 */
export interface Strategy {
  readonly name: StrategyName;
  join(contestant: Contestant): void;
  leave(contestant: Contestant): void;
  /** Null only when nobody is free. What was chosen has not got the task yet. */
  choose(pools: readonly Pool[], request: Request): Choice | null;
}

/** An agent as strategies see it. */
export interface Contestant {
  readonly id: AgentId;
  /** Attempts it can have at a time, ≥ 1. */
  readonly slots: number;
  /** Attempts it is at work on. */
  readonly load: number;
  /** Attempts on its host, its own included, per agent there: who shares a busy machine is slower. */
  readonly hostLoad: number;
  /** When it was last chosen, or came, counted in choices: of equals the one whose turn is longest ago goes first. */
  readonly turn: number;
  readonly record: AgentRecord;
  /** 1, or more for one that stands out from its peers: what it does counts so many times. */
  readonly handicap: number;
  /** Likewise, but only for what it uses: for strategies that measure themselves how fast and reliable it is. */
  readonly burden: number;
}

/** Agents that are alike but for what they do and have done. */
export interface Pool {
  readonly free: FreeList<Contestant>;
  /** What to expect of those of whom nothing is known. */
  readonly prior: Prior;
  readonly costPerHour: number | null;
  /** How much of what its provider's account lets through is used, 0 to 1. */
  readonly crowding: number;
}

export interface Prior {
  /** The kind of tasks that it is about. */
  readonly of: string;
  /** The logarithm of how long they take against others; 0: as long. */
  readonly slowness: number;
  /** 0 to 1. */
  readonly errorRate: number;
  /** What one attempt is expected to take, in milliseconds. */
  readonly durationMs: number;
  /** What its provider takes for one attempt; null: unknown. */
  readonly usd: number | null;
}

/** Nothing is known. */
export const NO_PRIOR: Prior = {of: '', slowness: 0, errorRate: 0.05, durationMs: 60_000, usd: null};

/** What is asked for. */
export interface Request {
  readonly nowMs: number;
  /** Requests with the same one go to the same agent, for strategies that know that. */
  readonly affinity: string;
  /** `high`: cost does not count. Absent: it counts as the strategy weighs it. */
  readonly preferredCost?: PreferredCost;
}

/** The chosen one with whom it was compared to, itself first; lower is better. */
export interface Choice {
  readonly chosen: Contestant;
  readonly compared: readonly Compared[];
}

export interface Compared {
  readonly contestant: Contestant;
  readonly score: number;
}
