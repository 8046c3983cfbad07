import type {z} from 'zod';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';

/** What requests carry, checked once where it enters; a refusal names the field and what was wanted. */
export function parser<T>(schema: z.ZodType<T>): (value: unknown) => Result<T, Failure> {
  return value => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return ok(parsed.data);
    const issue = parsed.error.issues[0];
    const where = issue && issue.path.length > 0 ? `\`${issue.path.join('.')}\`: ` : '';
    return fail({reason: 'usage', message: `The request is not valid: ${where}${issue?.message ?? 'unknown problem'}`});
  };
}
