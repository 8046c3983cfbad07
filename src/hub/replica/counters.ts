import type {Result} from '../../base/result.ts';
import {type Malformed, readList, reading} from './foreign.ts';
import {MAX_NODES, type Order, VersionVector} from './version-vector.ts';

/** What one node may count to, so that the sum over MAX_NODES nodes is still exact. */
export const MAX_NODE_COUNT = 2 ** 39;

const LIMITS = {most: MAX_NODES, mostCount: MAX_NODE_COUNT};

/**
 * A counter that only grows (G-counter; Shapiro et al. 2011): each node counts for itself, and the sum is what it shows. A node is
 * written by one writer at a time. A value: nothing changes it.
 */
export class GCounter {
  static readonly ZERO = new GCounter(VersionVector.EMPTY);

  readonly #counts: VersionVector;

  private constructor(counts: VersionVector) {
    this.#counts = counts;
  }

  get value(): number {
    return this.#counts.sum();
  }

  /** Nodes that ever counted. */
  get size(): number {
    return this.#counts.size;
  }

  /** Throws a RangeError unless `by` is a whole number of 0 or more that leaves the node at most MAX_NODE_COUNT. */
  add(node: string, by = 1): GCounter {
    return new GCounter(this.#counts.with(node, this.#sum(node, by)));
  }

  /** What `add` changed and nothing else: merged into any replica that has this counter, it says the same as the whole. */
  delta(node: string, by = 1): GCounter {
    return new GCounter(VersionVector.EMPTY.with(node, this.#sum(node, by)));
  }

  merge(other: GCounter): GCounter {
    const counts = this.#counts.merge(other.#counts);
    return counts === this.#counts ? this : new GCounter(counts);
  }

  compare(other: GCounter): Order {
    return this.#counts.compare(other.#counts);
  }

  toJSON(): readonly (string | number)[] {
    return this.#counts.toJSON();
  }

  static parse(value: unknown): Result<GCounter, Malformed> {
    return reading('G-counter', () => GCounter.read(value));
  }

  /** For readers of things that contain one; inside `reading`. */
  static read(value: unknown): GCounter {
    return new GCounter(VersionVector.read(value, LIMITS));
  }

  #sum(node: string, by: number): number {
    const sum = this.#counts.get(node) + by;
    if (!Number.isSafeInteger(by) || by < 0 || sum > MAX_NODE_COUNT) {
      throw new RangeError(
        `${by} cannot be added to the count of ${node}: whole numbers from 0, up to ${MAX_NODE_COUNT} in all`,
      );
    }
    return sum;
  }
}

/** A counter that goes both ways (PN-counter): one that grows for what was added, one for what was taken away. A value. */
export class PnCounter {
  static readonly ZERO = new PnCounter(GCounter.ZERO, GCounter.ZERO);

  readonly #up: GCounter;
  readonly #down: GCounter;

  private constructor(up: GCounter, down: GCounter) {
    this.#up = up;
    this.#down = down;
  }

  get up(): number {
    return this.#up.value;
  }

  get down(): number {
    return this.#down.value;
  }

  get value(): number {
    return this.up - this.down;
  }

  /** Nodes that ever counted up, and down. */
  get size(): number {
    return this.#up.size + this.#down.size;
  }

  /** Negative numbers take away. Throws a RangeError as `GCounter.add` does. */
  add(node: string, by = 1): PnCounter {
    return by < 0
      ? new PnCounter(this.#up, this.#down.add(node, -by))
      : new PnCounter(this.#up.add(node, by), this.#down);
  }

  /** What `add` changed and nothing else, see `GCounter.delta`. */
  delta(node: string, by = 1): PnCounter {
    return by < 0
      ? new PnCounter(GCounter.ZERO, this.#down.delta(node, -by))
      : new PnCounter(this.#up.delta(node, by), GCounter.ZERO);
  }

  merge(other: PnCounter): PnCounter {
    return new PnCounter(this.#up.merge(other.#up), this.#down.merge(other.#down));
  }

  toJSON(): readonly unknown[] {
    return [this.#up.toJSON(), this.#down.toJSON()];
  }

  static parse(value: unknown): Result<PnCounter, Malformed> {
    return reading('PN-counter', () => {
      const [up, down] = readList(value, 'a PN-counter', 2);
      return new PnCounter(GCounter.read(up), GCounter.read(down));
    });
  }
}
