import {z} from 'zod';
import {STRATEGY_NAMES, type StrategyChoice} from '../model/strategy.ts';
import type {Problem} from './problem.ts';
import {expected} from './schema-values.ts';

const namesText = `one of ${STRATEGY_NAMES.map(name => `\`${name}\``).join(', ')}`;
const weightText = 'a number from 0 on';
const weight = z.number(expected(weightText)).min(0, expected(weightText)).optional();

export const weightsSchema = z.strictObject(
  {speed: weight, cost: weight, reliability: weight},
  expected('a mapping with `speed`, `cost` or `reliability`'),
);
const name = z.enum(STRATEGY_NAMES, expected(namesText));
export const strategyFields = z.strictObject(
  {name, weights: weightsSchema.meta({description: 'What counts how much for `weighted`'}).optional()},
  expected('a mapping with `name`, and perhaps `weights`'),
);
export const strategySchema = z
  .union(
    [name, strategyFields],
    expected(`${namesText}, or a mapping such as \`{name: weighted, weights: {speed: 1}}\``),
  )
  .meta({description: 'How the agent for a task is chosen among those that may do it; default weighted'});

/** How the team chooses agents; weights that are not named count nothing. */
export function strategyChoice(
  document: z.infer<typeof strategySchema>,
  report: (problem: Problem) => void,
): StrategyChoice {
  if (typeof document === 'string') return {name: document};
  const {name: chosen, weights} = document;
  if (weights === undefined) return {name: chosen};
  const {speed = 0, cost = 0, reliability = 0} = weights;
  const path = ['strategy', 'weights'];
  if (chosen !== 'weighted') {
    const hint = 'remove `weights`, or take `weighted`';
    report({path, at: 'key', message: `\`weights\` mean nothing for \`${chosen}\``, hint});
  } else if (speed + cost + reliability === 0) {
    report({
      path,
      at: 'value',
      message: '`strategy.weights` has none that is more than 0',
      hint: 'name one, such as `speed: 1`',
    });
  }
  return {name: chosen, weights: {speed, cost, reliability}};
}
