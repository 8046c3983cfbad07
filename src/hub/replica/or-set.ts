import type {Result} from '../../base/result.ts';
import {DotContext, readDots} from './dot-context.ts';
import {type Malformed, readList, readText, reading, refuse} from './foreign.ts';
import {MAX_SET_ELEMENTS} from './lww-set.ts';
import {byCodeUnit, type Dot, MAX_NODES} from './version-vector.ts';

/** Additions of one element that may stand side by side: one for each node that added it and saw none of the others. */
const MAX_DOTS = MAX_NODES;

/**
 * An observed-remove set without tombstones (ORSWOT; Bieniusa, Zawirski, Preguiça, Shapiro, Baquero, Balegas and Duarte: "An
 * Optimized Conflict-Free Replicated Set", 2012): a removal takes away the additions it has seen, an addition made meanwhile stays. What
 * is gone is known from the context alone, which has one count for each node that ever added; many short-lived writers add through one
 * node that stays (the hub). A value: nothing changes it.
 */
export class OrSet {
  static readonly EMPTY = new OrSet(new Map(), DotContext.EMPTY);

  /** Element to the additions that stand, sorted by node. */
  readonly #elements: ReadonlyMap<string, readonly Dot[]>;
  readonly #context: DotContext;

  private constructor(elements: ReadonlyMap<string, readonly Dot[]>, context: DotContext) {
    this.#elements = elements;
    this.#context = context;
  }

  get size(): number {
    return this.#elements.size;
  }

  has(element: string): boolean {
    return this.#elements.has(element);
  }

  /** Sorted by code unit. */
  values(): readonly string[] {
    return [...this.#elements.keys()].sort(byCodeUnit);
  }

  /** What an addition changes: merge it here and send it to the others. `node` is written by one writer at a time. */
  addition(element: string, node: string): OrSet {
    const dot = this.#context.next(node);
    const context = this.#seenOf(element).add(dot);
    return new OrSet(new Map([[element, [dot]]]), context);
  }

  /** What a removal changes; nothing is removed by it that was not seen here. */
  removal(element: string): OrSet {
    return new OrSet(new Map(), this.#seenOf(element));
  }

  add(element: string, node: string): OrSet {
    return this.merge(this.addition(element, node));
  }

  remove(element: string): OrSet {
    return this.merge(this.removal(element));
  }

  merge(other: OrSet): OrSet {
    const elements = new Map<string, readonly Dot[]>();
    for (const [element, dots] of this.#elements) keep(elements, element, this.#standing(other, element, dots));
    for (const [element, dots] of other.#elements) {
      if (!this.#elements.has(element))
        keep(
          elements,
          element,
          dots.filter(dot => !this.#context.has(dot)),
        );
    }
    return new OrSet(elements, this.#context.merge(other.#context));
  }

  /** The context, then each element with its additions (node and counter by turns), sorted. */
  toJSON(): readonly unknown[] {
    const elements = [...this.#elements].sort(([a], [b]) => byCodeUnit(a, b));
    return [
      this.#context.toJSON(),
      elements.map(([element, dots]) => [element, dots.flatMap(({node, counter}) => [node, counter])]),
    ];
  }

  static parse(value: unknown): Result<OrSet, Malformed> {
    return reading('OR-set', () => {
      const [context, items] = readList(value, 'an OR-set', 2);
      const seen = DotContext.read(context);
      const elements = new Map<string, readonly Dot[]>();
      for (const item of readList(items, 'elements', MAX_SET_ELEMENTS)) {
        const [name, dots] = readList(item, 'an element', 2);
        const element = readText(name, 'an element');
        const additions = readDots(dots, `the additions of ${element}`, MAX_DOTS);
        if (additions.length === 0) return refuse(`${element} has no addition`);
        if (elements.has(element)) return refuse(`${element} is there twice`);
        for (const dot of additions)
          if (!seen.has(dot)) return refuse(`an addition of ${element} is not in the context`);
        elements.set(element, additions.toSorted(compareDots));
      }
      return new OrSet(elements, seen);
    });
  }

  /** A context of nothing but the additions of one element that stand here. */
  #seenOf(element: string): DotContext {
    return DotContext.of(DotContext.EMPTY.vector, this.#elements.get(element) ?? []);
  }

  /** An addition stands if both have it, or if one has it that the other has not seen. */
  #standing(other: OrSet, element: string, dots: readonly Dot[]): readonly Dot[] {
    const theirs = other.#elements.get(element) ?? [];
    const mine = dots.filter(dot => !other.#context.has(dot) || theirs.some(their => sameDot(their, dot)));
    const added = theirs.filter(dot => !this.#context.has(dot));
    return added.length === 0 ? mine : [...mine, ...added].sort(compareDots);
  }
}

function keep(elements: Map<string, readonly Dot[]>, element: string, dots: readonly Dot[]): void {
  if (dots.length > 0) elements.set(element, dots);
}

function sameDot(a: Dot, b: Dot): boolean {
  return a.counter === b.counter && a.node === b.node;
}

function compareDots(a: Dot, b: Dot): number {
  return byCodeUnit(a.node, b.node) || a.counter - b.counter;
}
