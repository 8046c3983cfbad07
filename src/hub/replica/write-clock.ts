import type {Result} from '../../base/result.ts';
import {type Malformed, readCount, readList, readText, reading} from './foreign.ts';
import {type Dot, MAX_COUNT, type Order, VersionVector} from './version-vector.ts';

/** More writes that are in no log yet than one writer may have seen, counted in nodes. */
export const MAX_BEYOND = 1000;

/**
 * The clock of one write: a dotted version vector (Preguiça, Baquero, Almeida, Fonte and Gonçalves, 2010 and 2012) whose vector is
 * folded into one number. What a writer has seen is all of the log up to `base`, and `beyond` it the writes that reached it
 * before they reached the log: in general only its own last ones.
 *
 * Why it may be folded: the log has no gaps and never reorders; each node's writes stand in it in the order of their counters; and it is
 * closed, that is, no write stands in it before one that its writer had seen (`missingBefore`). So "everything up to position 4,711" names the same events for everyone and for ever, whoever of their writers is still alive. An
 * entry of a node is dropped exactly when the log holds that write at or below `base`; never because an agent seems to be gone. What
 * remains grows with the writes under way, not with the number of agents there have ever been.
 */
export interface WriteClock extends Dot {
  /** Which log `base` counts in, from 1; another after a restore, for positions are then given anew. */
  readonly log: string;
  readonly base: number;
  readonly beyond: VersionVector;
}

/** A write and where it stands in the log of its clock; null: not in it yet. */
export interface PlacedWrite {
  readonly clock: WriteClock;
  readonly position: number | null;
}

/** Whether the writer of `later` had `earlier` before it. Bases of different logs say nothing; then only dots count. */
export function saw(later: PlacedWrite, earlier: PlacedWrite): boolean {
  const [mine, theirs] = [later.clock, earlier.clock];
  if (mine.node === theirs.node) return theirs.counter < mine.counter;
  if (earlier.position !== null && theirs.log === mine.log && earlier.position <= mine.base) return true;
  return mine.beyond.has(theirs);
}

/** `before`: b saw a. A write is equal to itself only. */
export function compareWrites(a: PlacedWrite, b: PlacedWrite): Order {
  if (a.clock.node === b.clock.node && a.clock.counter === b.clock.counter) return 'equal';
  if (saw(b, a)) return 'before';
  return saw(a, b) ? 'after' : 'concurrent';
}

/** Neither writer knew of the other's write. */
export function conflicts(a: PlacedWrite, b: PlacedWrite): boolean {
  return compareWrites(a, b) === 'concurrent';
}

/**
 * The first write that its writer had seen and the log lacks, null if there is none. What has one must not be appended: whoever pushes
 * a write pushes before it what it has heard from others, who may never do so. `inLog` says whether a write is in the log.
 */
export function missingBefore({node, counter, beyond}: WriteClock, inLog: (dot: Dot) => boolean): Dot | null {
  for (const [other, count] of beyond.entries()) {
    const dot = {node: other, counter: other === node ? Math.min(count, counter - 1) : count};
    if (dot.counter > 0 && !inLog(dot)) return dot;
  }
  return null;
}

/** `[log, node, counter, base]`, and what is beyond if there is anything. */
export function encodeWriteClock({log, node, counter, base, beyond}: WriteClock): readonly unknown[] {
  return beyond.size === 0 ? [log, node, counter, base] : [log, node, counter, base, beyond.toJSON()];
}

export function parseWriteClock(value: unknown): Result<WriteClock, Malformed> {
  return reading('write clock', () => {
    const [log, node, counter, base, beyond = []] = readList(value, 'a write clock', 5);
    return {
      log: readText(log, 'a log'),
      node: readText(node, 'a node'),
      counter: readCount(counter, 'a counter', {least: 1, most: MAX_COUNT}),
      base: readCount(base, 'a base', {most: MAX_COUNT}),
      beyond: VersionVector.read(beyond, {most: MAX_BEYOND}),
    };
  });
}
