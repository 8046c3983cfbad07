/** Who is free, in no order: adding, removing and looking at any place take O(1). */
export class FreeList<T> {
  readonly #members: T[] = [];
  readonly #places = new Map<T, number>();

  get size(): number {
    return this.#members.length;
  }

  has(member: T): boolean {
    return this.#places.has(member);
  }

  at(place: number): T | undefined {
    return this.#members[place];
  }

  /** Adding who is there is the same as adding once. */
  add(member: T): void {
    if (this.#places.has(member)) return;
    this.#places.set(member, this.#members.length);
    this.#members.push(member);
  }

  remove(member: T): boolean {
    const place = this.#places.get(member);
    if (place === undefined) return false;
    const last = this.#members.pop();
    this.#places.delete(member);
    if (last !== undefined && last !== member) {
      this.#members[place] = last;
      this.#places.set(last, place);
    }
    return true;
  }
}
