import type {Contestant} from './strategy.ts';

/** Who is free, in no order: adding, removing and looking at any place take O(1). */
export class FreeList {
  readonly #members: Contestant[] = [];
  readonly #places = new Map<Contestant, number>();

  get size(): number {
    return this.#members.length;
  }

  has(contestant: Contestant): boolean {
    return this.#places.has(contestant);
  }

  at(place: number): Contestant | undefined {
    return this.#members[place];
  }

  /** Adding who is there is the same as adding once. */
  add(contestant: Contestant): void {
    if (this.#places.has(contestant)) return;
    this.#places.set(contestant, this.#members.length);
    this.#members.push(contestant);
  }

  remove(contestant: Contestant): boolean {
    const place = this.#places.get(contestant);
    if (place === undefined) return false;
    const last = this.#members.pop();
    this.#places.delete(contestant);
    if (last !== undefined && last !== contestant) {
      this.#members[place] = last;
      this.#places.set(last, place);
    }
    return true;
  }
}
