import type {AttemptLimits} from './health.ts';

/**
 * Where an agent stands, as everybody sees it. starting: until its live host has acknowledged it and its runtime has answered a
 * probe. suspect: it gives signs of trouble and is given nothing until they are over. draining: it ends what it has and is gone then.
 */
export type AgentState = 'starting' | 'idle' | 'busy' | 'suspect' | 'paused' | 'draining' | 'gone';

/** What has been decided about an agent and outlives a restart; `gone` is for good. */
export type AgentStanding = 'present' | 'paused' | 'draining' | 'gone';

/** Agents that are alike. */
export interface AgentGroup {
  /** As people call them, for example `coder`. */
  readonly name: string;
  readonly count: number;
  /** Empty: it accepts every task. */
  readonly skills: readonly string[];
  /**
   * What does its prompts: `claude`, `pi`…, or the name of a custom runtime. `command`: it takes no prompts.
   * `auto`, only in a plan: what is found on the machine, settled before the team is spawned.
   */
  readonly runtime: string;
  readonly model: string | null;
  /** In USD, for selection and scaling; null: unknown. */
  readonly costPerHour: number | null;
  /** Relative to others, > 0; default 1. */
  readonly speed: number;
  /** Attempts at a time, ≥ 1. */
  readonly slots: number;
  /** What their attempts may use, where the task does not say so itself; over the defaults of the plan. */
  readonly limits?: AttemptLimits;
  readonly timeoutMs?: number;
}

/** What a prompt is done with. */
export interface ModelChoice {
  readonly runtime: string;
  readonly model: string | null;
}
