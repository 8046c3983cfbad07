import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {checkDocument} from './check-document.ts';
import type {GivenInputs} from './inputs.ts';

/**
 * Checks a document of unknown origin and makes the plan of it. `file` is only named in the failure. Inputs that are not
 * given have the values that stand in the document.
 */
export function compilePlan(document: unknown, file: string, inputs: GivenInputs = {}): Result<Plan, Failure> {
  const {plan, problems} = checkDocument(document, inputs);
  if (plan) return ok(plan);
  const shown = problems.errors.map(({message, hint}) => ({message, ...(hint === undefined ? {} : {hint})}));
  return fail({reason: 'plan-invalid', file, problems: shown, omitted: problems.omitted});
}
