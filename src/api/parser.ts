import type {z} from 'zod';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';

/** What requests carry, checked once where it enters; a refusal names the field and what was wanted. */
export function parser<T>(schema: z.ZodType<T>): (value: unknown) => Result<T, Failure> {
  return value => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return ok(parsed.data);
    const issue = parsed.error.issues[0];
    const said = issue ? problemOf(issue) : {path: [], text: 'unknown problem'};
    const where = said.path.length > 0 ? `\`${said.path.join('.')}\`: ` : '';
    return fail({reason: 'usage', message: `The request is not valid: ${where}${said.text}`});
  };
}

/** Of a value that may be one of several things: what is wrong with the one that it comes closest to. */
function problemOf(issue: z.core.$ZodIssue): {readonly path: readonly PropertyKey[]; readonly text: string} {
  switch (issue.code) {
    case 'invalid_union': {
      const closest = issue.errors.flatMap(errors => errors[0] ?? []).find(({path}) => path.length > 0);
      if (!closest) return {path: issue.path, text: issue.message};
      const {path, text} = problemOf(closest);
      return {path: [...issue.path, ...path], text};
    }
    case 'too_big':
      if (issue.origin !== 'number' && issue.origin !== 'int') break;
      return {
        path: issue.path,
        text: `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`,
      };
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') break;
      return {
        path: issue.path,
        text: `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`,
      };
    default:
      break;
  }
  return {path: issue.path, text: issue.message};
}
