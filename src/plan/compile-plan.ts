import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {checkDocument} from './check-document.ts';

/** Checks a document of unknown origin and makes the plan of it. `file` is only named in the failure. */
export function compilePlan(document: unknown, file: string): Result<Plan, Failure> {
  const {plan, problems} = checkDocument(document);
  if (plan) return ok(plan);
  const shown = problems.errors.map(({message, hint}) => ({message, ...(hint === undefined ? {} : {hint})}));
  return fail({reason: 'plan-invalid', file, problems: shown, omitted: problems.omitted});
}
