import {readCount, readList, readText, refuse} from './foreign.ts';
import {type Dot, orderOf, type Order, VersionVector} from './version-vector.ts';

/** More events than any context may hold beyond its gapless part. */
export const MAX_LOOSE_DOTS = 10_000;

/**
 * A set of events that may have gaps: a version vector and the events beyond it (Almeida, Shoker and Baquero: "Delta State
 * Replicated Data Types", 2018). Loose events move into the vector as soon as those before them are in. A value.
 */
export class DotContext {
  static readonly EMPTY = new DotContext(VersionVector.EMPTY, new Map());

  readonly vector: VersionVector;
  /** Node to its counters beyond the vector, sorted; never empty, never one the vector could take. */
  readonly #loose: ReadonlyMap<string, readonly number[]>;

  private constructor(vector: VersionVector, loose: ReadonlyMap<string, readonly number[]>) {
    this.vector = vector;
    this.#loose = loose;
  }

  static of(vector: VersionVector, dots: Iterable<Dot> = []): DotContext {
    const byNode = new Map<string, number[]>();
    for (const {node, counter} of dots) {
      const counters = byNode.get(node);
      if (counters === undefined) byNode.set(node, [counter]);
      else counters.push(counter);
    }
    const loose = new Map<string, readonly number[]>();
    let closed = vector;
    for (const [node, counters] of byNode) {
      let upTo = closed.get(node);
      const beyond: number[] = [];
      for (const counter of new Set(counters.sort((a, b) => a - b))) {
        if (counter === upTo + 1) upTo = counter;
        else if (counter > upTo) beyond.push(counter);
      }
      closed = closed.with(node, upTo);
      if (beyond.length > 0) loose.set(node, beyond);
    }
    return new DotContext(closed, loose);
  }

  has({node, counter}: Dot): boolean {
    return counter <= this.vector.get(node) || (this.#loose.get(node)?.includes(counter) ?? false);
  }

  add(dot: Dot): DotContext {
    return this.has(dot) ? this : DotContext.of(this.vector, [...this.dots(), dot]);
  }

  /** After all events of this node that are in, loose ones included. */
  next(node: string): Dot {
    return {node, counter: Math.max(this.vector.get(node), this.#loose.get(node)?.at(-1) ?? 0) + 1};
  }

  merge(other: DotContext): DotContext {
    const vector = this.vector.merge(other.vector);
    if (this.#loose.size === 0 && other.#loose.size === 0) {
      if (vector === this.vector) return this;
      return vector === other.vector ? other : new DotContext(vector, this.#loose);
    }
    return DotContext.of(vector, [...this.dots(), ...other.dots()]);
  }

  compare(other: DotContext): Order {
    if (this.#loose.size === 0 && other.#loose.size === 0) return this.vector.compare(other.vector);
    return orderOf({less: !other.isWithin(this), more: !this.isWithin(other)});
  }

  isWithin(other: DotContext): boolean {
    // The first event that a vector lacks is never among its loose ones, so that counts decide.
    for (const [node, count] of this.vector.entries()) if (count > other.vector.get(node)) return false;
    for (const dot of this.dots()) if (!other.has(dot)) return false;
    return true;
  }

  /** The loose ones. */
  *dots(): Generator<Dot> {
    for (const [node, counters] of this.#loose) for (const counter of counters) yield {node, counter};
  }

  /** The vector, then the loose events as node and counter by turns. */
  toJSON(): readonly unknown[] {
    const dots = [...this.dots()].sort((a, b) =>
      a.node === b.node ? a.counter - b.counter : a.node < b.node ? -1 : 1,
    );
    return dots.length === 0
      ? [this.vector.toJSON()]
      : [this.vector.toJSON(), dots.flatMap(({node, counter}) => [node, counter])];
  }

  /** For readers of things that contain one; inside `reading`. */
  static read(value: unknown): DotContext {
    const [vector, loose = []] = readList(value, 'a context', 2);
    return DotContext.of(VersionVector.read(vector), readDots(loose, 'loose events', MAX_LOOSE_DOTS));
  }
}

export function readDots(value: unknown, what: string, most: number): readonly Dot[] {
  const flat = readList(value, what, 2 * most);
  if (flat.length % 2 === 1) return refuse(`${what} must be nodes and counters by turns`);
  const dots: Dot[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    dots.push({node: readText(flat[index], 'a node'), counter: readCount(flat[index + 1], 'a counter', {least: 1})});
  }
  return dots;
}
