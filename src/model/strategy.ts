/** How the agent for a task is chosen among those that may do it and are free. */
export const STRATEGY_NAMES = [
  'round-robin',
  'least-connections',
  'weighted',
  'consistent-hash',
  'power-of-two',
  'peak-ewma',
] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** What counts how much for `weighted`; each ≥ 0, at least one > 0. They are normalised. */
export interface Weights {
  readonly speed: number;
  readonly cost: number;
  readonly reliability: number;
}

export interface StrategyChoice {
  readonly name: StrategyName;
  /** Only for `weighted`. */
  readonly weights?: Weights;
}
