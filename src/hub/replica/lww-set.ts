import type {Result} from '../../base/result.ts';
import {type Malformed, readList, reading, refuse} from './foreign.ts';
import {Latest} from './latest.ts';
import {byCodeUnit} from './version-vector.ts';

/** Which wins where an element is added and removed at the same stamp. */
export type Bias = 'add' | 'remove';

/** Elements of a set, removed ones included; beyond it those with the earliest changes are dropped, see `Latest`. */
export const MAX_SET_ELEMENTS = 10_000;

/**
 * An LWW-element-set (Shapiro, Preguiça, Baquero and Zawirski, 2011): an element is in if the latest change of it added it. What was
 * removed is remembered with its stamp, up to MAX_SET_ELEMENTS elements in all, unless `forget` says how far it is known to
 * everybody. A value: nothing changes it.
 */
export class LwwSet {
  readonly bias: Bias;
  readonly #changes: Latest<boolean>;

  private constructor(bias: Bias, changes: Latest<boolean>) {
    this.bias = bias;
    this.#changes = changes;
  }

  static empty(bias: Bias): LwwSet {
    return new LwwSet(bias, new Latest(MAX_SET_ELEMENTS));
  }

  has(element: string): boolean {
    return this.#changes.get(element)?.value ?? false;
  }

  /** Sorted by code unit. */
  values(): readonly string[] {
    return [...this.#changes.entries()].flatMap(([element, {value}]) => (value ? [element] : [])).sort(byCodeUnit);
  }

  add(element: string, at: string): LwwSet {
    return this.#change(element, {at, value: true});
  }

  remove(element: string, at: string): LwwSet {
    return this.#change(element, {at, value: false});
  }

  /** Throws a RangeError on a set of the other bias: the two have no common merge. */
  merge(other: LwwSet): LwwSet {
    if (other.bias !== this.bias)
      throw new RangeError(`A set biased to ${this.bias} does not merge with one to ${other.bias}`);
    const changes = this.#changes.copy();
    changes.mergeFrom(other.#changes);
    return new LwwSet(this.bias, changes);
  }

  /**
   * Forgets removals before a stamp. Lawful only once every replica has every change up to it, and none will make one before it;
   * otherwise an older addition comes back.
   */
  forget(before: string): LwwSet {
    const kept = [...this.#changes.entries()].filter(([, {at, value}]) => value || at >= before);
    return new LwwSet(this.bias, new Latest(MAX_SET_ELEMENTS, kept));
  }

  toJSON(): readonly unknown[] {
    return [this.bias, this.#changes.toJSON().map(([element, at, , value]) => [element, at, value ? 1 : 0])];
  }

  static parse(value: unknown): Result<LwwSet, Malformed> {
    return reading('LWW set', () => {
      const [bias, changes] = readList(value, 'an LWW set', 2);
      if (bias !== 'add' && bias !== 'remove') return refuse('the bias must be add or remove');
      const full = readList(changes, 'changes', MAX_SET_ELEMENTS).map(change => {
        const [element, at, added] = readList(change, 'a change', 3);
        return [element, at, tieOf(bias, readBit(added)), added];
      });
      return new LwwSet(bias, Latest.read(full, {what: 'changes', limit: MAX_SET_ELEMENTS, readValue: readBit}));
    });
  }

  #change(element: string, {at, value}: {at: string; value: boolean}): LwwSet {
    const changes = this.#changes.copy();
    changes.put(element, {at, tie: tieOf(this.bias, value), value});
    return new LwwSet(this.bias, changes);
  }
}

function tieOf(bias: Bias, added: boolean): string {
  return added === (bias === 'add') ? '1' : '0';
}

function readBit(value: unknown): boolean {
  return value === 1 || (value === 0 ? false : refuse('whether it was added must be 0 or 1'));
}
