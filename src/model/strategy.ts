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

/** How much it may cost. low: as little as can be. medium: as the strategy weighs it. high: whatever it costs. */
export const PREFERRED_COSTS = ['low', 'medium', 'high'] as const;
export type PreferredCost = (typeof PREFERRED_COSTS)[number];

export interface StrategyChoice {
  readonly name: StrategyName;
  /** Only for `weighted`. */
  readonly weights?: Weights;
}
