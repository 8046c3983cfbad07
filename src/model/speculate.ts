/** Whether a team starts a second attempt beside one that takes much longer than its like. */
export interface Speculate {
  /** Commands that may run twice at a time: in a worktree of their own, or marked as `idempotent`. */
  readonly commands: boolean;
  readonly prompts: boolean;
  /** Of the team's budget, for second attempts of prompts; without a budget, of its attempts. 0 to 1. */
  readonly budgetShare: number;
}

export const DEFAULT_SPECULATE: Speculate = {commands: true, prompts: false, budgetShare: 0.1};

/** What holds for a team: what its plan says, of the rest what was configured when it was spawned, of the rest the default. */
export function speculateOf({
  speculate,
  plan,
}: {
  readonly speculate?: Partial<Speculate>;
  readonly plan: {readonly speculate?: Partial<Speculate>} | null;
}): Speculate {
  return {...DEFAULT_SPECULATE, ...speculate, ...plan?.speculate};
}

/** Why an attempt was taken for a straggler: what it was compared with, in milliseconds. */
export interface StragglerWhy {
  readonly elapsedMs: number;
  /** From then on it counted as one. */
  readonly limitMs: number;
  /** Attempts of its kind that have succeeded, as far as they were compared. */
  readonly samples: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Median absolute deviation. */
  readonly madMs: number;
}
