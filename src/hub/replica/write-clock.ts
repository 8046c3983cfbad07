import type {WrittenClock} from '../../model/episode.ts';
import {MAX_COUNT, readCount, readList, readText, refuse} from './foreign.ts';

/**
 * The clock of one write: a dotted version vector (Preguiça, Baquero, Almeida, Fonte and Gonçalves, 2010 and 2012) whose vector is
 * folded into one number. Its dot is `node` and `counter`: which write it is of one life of one replica, from 1. What its writer had seen is
 * all of the log up to `base`, and its own writes before.
 *
 * Why it may be folded: the log has no gaps and never reorders, and each node's writes stand in it in the order of their counters. So
 * "everything up to position 4,711" names the same writes for everyone and for ever, whoever of their writers is still alive, and a
 * clock has four parts however many agents there have ever been. To merge what another has seen into what oneself has is to take its
 * write from the log, after which `base` is greater by one.
 */
export interface PlacedWrite {
  readonly clock: WrittenClock;
  /** In the log of its clock; null: not in it yet. */
  readonly position: number | null;
}

/** How two writes stand to each other. */
export type Order = 'before' | 'after' | 'equal' | 'concurrent';

/** The log of a clock whose writer followed none: it had seen nothing but its own writes. */
export const NO_LOG = 'none';

/** Whether the writer of `later` had `earlier` before it. Bases of different logs say nothing; then only dots count. */
export function saw(later: PlacedWrite, earlier: PlacedWrite): boolean {
  const [log, node, counter, base] = later.clock;
  const [itsLog, itsNode, itsCounter] = earlier.clock;
  if (node === itsNode) return itsCounter < counter;
  return log === itsLog && log !== NO_LOG && earlier.position !== null && earlier.position <= base;
}

/** `before`: b saw a. A write is equal to itself only. */
export function compareWrites(a: PlacedWrite, b: PlacedWrite): Order {
  if (a.clock[1] === b.clock[1] && a.clock[2] === b.clock[2]) return 'equal';
  if (saw(b, a)) return 'before';
  return saw(a, b) ? 'after' : 'concurrent';
}

/** For readers of things that contain one; inside `reading`. */
export function readClock(value: unknown): WrittenClock {
  const [log, node, counter, base] = readList(value, 'a clock', 4);
  if (base === undefined) return refuse('a clock must have four parts');
  return [
    readText(log, 'a log'),
    readText(node, 'a node'),
    readCount(counter, 'a counter', {least: 1, most: MAX_COUNT}),
    readCount(base, 'a base', {most: MAX_COUNT}),
  ];
}
