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

const WEIGHT_NAMES = ['speed', 'cost', 'reliability'] as const;

/** `speed=3,cost=1`; what is not named counts nothing. Null: that is not what it says. */
export function parseWeights(text: string): Weights | null {
  const given = {speed: 0, cost: 0, reliability: 0};
  for (const part of text.split(',')) {
    const [, name, value] = /^\s*([a-z]+)=(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    const known = WEIGHT_NAMES.find(each => each === name);
    if (known === undefined) return null;
    given[known] = Number(value);
  }
  return given.speed + given.cost + given.reliability > 0 ? given : null;
}

/** As `parseWeights` reads it. */
export function showWeights(weights: Weights): string {
  return WEIGHT_NAMES.map(name => `${name}=${weights[name]}`).join(',');
}

/** How much it may cost. low: as little as can be. medium: as the strategy weighs it. high: whatever it costs. */
export const PREFERRED_COSTS = ['low', 'medium', 'high'] as const;
export type PreferredCost = (typeof PREFERRED_COSTS)[number];

export interface StrategyChoice {
  readonly name: StrategyName;
  /** Only for `weighted`. */
  readonly weights?: Weights;
}
