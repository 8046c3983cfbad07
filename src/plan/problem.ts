/** Keys and indexes that lead from the top of the document to a value. */
export type DocumentPath = readonly (string | number)[];

/** Something wrong in a plan document, at a place of the document; `parse-plan.ts` finds the line and column. */
export interface Problem {
  readonly path: DocumentPath;
  /** Whether the key at the path is meant or its value. */
  readonly at: 'key' | 'value';
  /** Text within the value at which the problem begins. */
  readonly excerpt?: string;
  readonly message: string;
  readonly hint?: string;
}

export const MAX_PROBLEMS = 20;
const MAX_STEPS_SHOWN = 6;

/** Gathers problems; keeps the first `MAX_PROBLEMS` of each kind and counts the rest. */
export class ProblemList {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  omitted = 0;

  error(problem: Problem): void {
    if (this.errors.length < MAX_PROBLEMS) this.errors.push(problem);
    else this.omitted += 1;
  }

  warn(problem: Problem): void {
    if (this.warnings.length < MAX_PROBLEMS) this.warnings.push(problem);
  }
}

/** The place in words: `timeout` of task `check`, `env.LEVEL`, task `check`, the plan. */
export function placeName(path: DocumentPath): string {
  const [first, id, ...rest] = path;
  if (first === 'tasks' && id !== undefined) {
    return rest.length === 0 ? `task \`${id}\`` : `\`${dotted(rest)}\` of task \`${id}\``;
  }
  return path.length === 0 ? 'the plan' : `\`${dotted(path)}\``;
}

function dotted(path: DocumentPath): string {
  const shown = path.length > MAX_STEPS_SHOWN ? [...path.slice(0, MAX_STEPS_SHOWN), '…'] : path;
  return shown
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
