import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Verdict} from './merge.ts';

/** What of a stack of commits, each on top of the one before, can be kept. */
export interface StackVerdict {
  /** So many of them, from the bottom. */
  readonly count: number;
  /** How the next one fails; null: there is none, or nobody knows whose fault it is. */
  readonly culprit: Verdict | null;
  /** How the commit below all of them fails, when it does and so does the last: then none of them is to blame. */
  readonly below: Verdict | null;
}

/**
 * Finds the lowest part of a stack that can be kept. The culprit fails with all that is below it and what is below it passes. One
 * run when all is well, else at most two (top and below) and log2 of the stack's height.
 */
export async function judgeStack(
  below: string,
  stack: readonly string[],
  verdictOn: (commit: string) => Promise<Result<Verdict, Failure>>,
): Promise<Result<StackVerdict, Failure>> {
  const top = await verdictOn(stack.at(-1) ?? below);
  if (!top.ok) return top;
  if (top.value.ok) return ok({count: stack.length, culprit: null, below: null});
  const ground = await verdictOn(below);
  if (!ground.ok) return ground;
  if (!ground.value.ok) return ok({count: stack.length, culprit: null, below: ground.value});
  let good = 0;
  let bad = stack.length;
  let culprit = top.value;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    const verdict = await verdictOn(stack[middle - 1] ?? below);
    if (!verdict.ok) return verdict;
    if (verdict.value.ok) good = middle;
    else [bad, culprit] = [middle, verdict.value];
  }
  return ok({count: good, culprit, below: null});
}
