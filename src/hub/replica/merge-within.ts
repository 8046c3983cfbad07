import {fail, ok, type Result} from '../../base/result.ts';

/** A merge would hold more than is allowed; what was there before stays as it is. */
export interface TooMuch {
  readonly kind: 'full';
  readonly size: number;
  readonly most: number;
  readonly detail: string;
}

/** Merges in what somebody else sent, unless the result would be larger than `most`. A set or counter cannot lawfully drop the rest. */
export function mergeWithin<T extends {readonly size: number; merge(other: T): T}>(
  mine: T,
  theirs: T,
  most: number,
): Result<T, TooMuch> {
  const merged = mine.merge(theirs);
  if (merged.size <= most || merged.size <= mine.size) return ok(merged);
  const detail = `Merged it would hold ${merged.size}; at most ${most} are kept`;
  return fail({kind: 'full', size: merged.size, most, detail});
}
