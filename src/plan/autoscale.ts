import {type Autoscale, DEFAULT_AUTOSCALE} from '../model/autoscale.ts';
import type {Problem} from './problem.ts';
import type {AutoscaleDocument} from './schema-autoscale.ts';
import {parseTimeout} from './timeout.ts';

/** How the team scales itself, with what is not said filled in; null: it does not. */
export function autoscaleOf(document: AutoscaleDocument, report: (problem: Problem) => void): Autoscale | null {
  if (document === false) return null;
  const {idle, ...given} = document === true ? {} : document;
  const min = given.min ?? Math.min(DEFAULT_AUTOSCALE.min, given.max ?? DEFAULT_AUTOSCALE.max);
  const max = given.max ?? Math.max(DEFAULT_AUTOSCALE.max, min);
  if (min > max) {
    const hint = `write \`max: ${min}\`, or a lower \`min\``;
    report({
      path: ['autoscale', 'min'],
      at: 'value',
      message: `\`autoscale.min\` is more than \`max\`, which is ${max}`,
      hint,
    });
  }
  return {
    min,
    max,
    scaleUpThreshold: given['scale-up-threshold'] ?? DEFAULT_AUTOSCALE.scaleUpThreshold,
    scaleDownThreshold: given['scale-down-threshold'] ?? DEFAULT_AUTOSCALE.scaleDownThreshold,
    idleMs: (idle === undefined ? null : parseTimeout(idle)) ?? DEFAULT_AUTOSCALE.idleMs,
    maxCostPerHour: given['max-cost-per-hour'] ?? DEFAULT_AUTOSCALE.maxCostPerHour,
  };
}
