import {fail, ok, type Result} from '../../base/result.ts';

/**
 * Hybrid logical time (Kulkarni, Demirbas, Madappa, Avva and Leone: "Logical Physical Clocks", 2014): stamps follow the wall
 * clock closely, and a stamp made after another was seen is always greater, whatever the wall clocks do.
 *
 * A stamp is text: 12 hex digits of milliseconds since the Unix epoch, `-`, 4 hex digits of a counter within that
 * millisecond, `-`, the node. All in ASCII, so that stamps order the same in JavaScript, in SQLite and on paper.
 */
export interface Stamp {
  /** Unix epoch, milliseconds, 0 to 2^48 - 1 (the year 10889). */
  readonly ms: number;
  /** 0 to 65,535. */
  readonly counter: number;
  readonly node: string;
}

/** ahead: a stamp further in the future than is believed; milliseconds. */
export type StampFailure =
  | {readonly kind: 'malformed-stamp'; readonly detail: string}
  | {readonly kind: 'ahead'; readonly aheadMs: number; readonly limitMs: number; readonly detail: string};

/** Clocks of well-kept machines differ by less; a stamp beyond it would win every register until its time has come. */
export const DEFAULT_MAX_DRIFT_MS = 60_000;

const MAX_MS = 2 ** 48 - 1;
const MAX_COUNTER = 0xffff;
const NODE = /^[\w.:@-]{1,64}$/;
const STAMP = /^([0-9a-f]{12})-([0-9a-f]{4})-([\w.:@-]{1,64})$/;

export interface HybridClockOptions {
  /**
   * Tells this clock from all others, those of its own agent's earlier lives included: 1 to 64 of `A-Z a-z 0-9 _ . : @ -`. Two
   * clocks of one node can make the same stamp twice.
   */
  readonly node: string;
  /** Wall time, Unix epoch in milliseconds; it may jump in both directions. */
  readonly wallMs: () => number;
  /** How far the stamps of others may be ahead of the wall clock. */
  readonly maxDriftMs?: number | undefined;
  /** The last stamp made or seen before a restart; later ones are greater even if the wall clock has gone back. */
  readonly last?: string | undefined;
}

export class HybridClock {
  readonly #node: string;
  readonly #wallMs: () => number;
  readonly #maxDriftMs: number;
  #ms = 0;
  #counter = 0;

  /** Throws a RangeError on a node, drift or last stamp that cannot be one. */
  constructor({node, wallMs, maxDriftMs = DEFAULT_MAX_DRIFT_MS, last}: HybridClockOptions) {
    if (!NODE.test(node)) {
      throw new RangeError(`The node ${JSON.stringify(node)} of a clock must be 1 to 64 of A-Z a-z 0-9 _ . : @ -`);
    }
    if (!(maxDriftMs >= 0)) throw new RangeError(`maxDriftMs must be 0 or more, not ${maxDriftMs}`);
    this.#node = node;
    this.#wallMs = wallMs;
    this.#maxDriftMs = maxDriftMs;
    if (last === undefined) return;
    const stamp = parseStamp(last);
    if (stamp === null) throw new RangeError(`The last stamp ${JSON.stringify(last)} of a clock is no stamp`);
    this.#ms = stamp.ms;
    this.#counter = stamp.counter;
  }

  get node(): string {
    return this.#node;
  }

  /** A stamp greater than all that were made or observed here. */
  now(): string {
    this.#reach(this.#wall());
    return formatStamp({ms: this.#ms, counter: this.#counter, node: this.#node});
  }

  /** Takes note of the stamp of somebody else, so that later ones of this clock are greater; refused, it changes nothing. */
  observe(stamp: string): Result<void, StampFailure> {
    const wall = this.#wall();
    const checked = checkStamp(stamp, {wallMs: wall, maxDriftMs: this.#maxDriftMs});
    if (!checked.ok) return checked;
    const {ms, counter} = checked.value;
    if (ms > this.#ms || (ms === this.#ms && counter > this.#counter)) {
      this.#ms = ms;
      this.#counter = counter;
    }
    return ok(undefined);
  }

  /** How far this clock is ahead of its own wall clock, in milliseconds: not 0 after the wall clock went back. */
  aheadMs(): number {
    return Math.max(0, this.#ms - this.#wall());
  }

  /** A full counter borrows the next millisecond; the wall clock catches up with it. */
  #reach(wall: number): void {
    if (wall > this.#ms) {
      this.#ms = wall;
      this.#counter = 0;
    } else if (this.#counter < MAX_COUNTER) {
      this.#counter += 1;
    } else {
      this.#ms += 1;
      this.#counter = 0;
    }
  }

  #wall(): number {
    return Math.min(MAX_MS, Math.max(0, Math.floor(this.#wallMs())));
  }
}

/** Whether a foreign stamp is well-formed and not too far ahead; the hub asks this of everything that is pushed. */
export function checkStamp(
  text: string,
  {wallMs, maxDriftMs = DEFAULT_MAX_DRIFT_MS}: {wallMs: number; maxDriftMs?: number},
): Result<Stamp, StampFailure> {
  const stamp = parseStamp(text);
  if (stamp === null) {
    const detail = `${JSON.stringify(text.slice(0, 120))} is no stamp; stamps look like 0190a1b2c3d4-0000-node`;
    return fail({kind: 'malformed-stamp', detail});
  }
  const aheadMs = stamp.ms - wallMs;
  if (aheadMs <= maxDriftMs) return ok(stamp);
  const detail = `The stamp ${text} is ${aheadMs} ms ahead of the clock here; at most ${maxDriftMs} ms are believed. Set the clock of ${stamp.node}.`;
  return fail({kind: 'ahead', aheadMs, limitMs: maxDriftMs, detail});
}

/** Null: no stamp. */
export function parseStamp(text: string): Stamp | null {
  const match = STAMP.exec(text);
  if (match === null) return null;
  const [, ms = '', counter = '', node = ''] = match;
  return {ms: Number.parseInt(ms, 16), counter: Number.parseInt(counter, 16), node};
}

export function formatStamp({ms, counter, node}: Stamp): string {
  return `${ms.toString(16).padStart(12, '0')}-${counter.toString(16).padStart(4, '0')}-${node}`;
}
