import {Heap} from '../../base/heap.ts';

export interface Found {
  readonly key: number;
  readonly similarity: number;
}

/** The `k` most similar of what is offered; among equals the smaller key. */
export class Best {
  readonly #k: number;
  readonly #worstFirst = new Heap<Found>((a, b) => compare(a, b) > 0);

  constructor(k: number) {
    this.#k = k;
  }

  get isFull(): boolean {
    return this.#worstFirst.size >= this.#k;
  }

  /** What is less similar than this is not taken: the least similarity kept, once there are k. */
  get floor(): number {
    return this.isFull ? (this.#worstFirst.peek()?.similarity ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY;
  }

  offer(found: Found): void {
    this.#worstFirst.push(found);
    if (this.#worstFirst.size > this.#k) this.#worstFirst.pop();
  }

  /** Best first. */
  sorted(): readonly Found[] {
    return this.#worstFirst.values().toSorted(compare);
  }
}

function compare(a: Found, b: Found): number {
  return b.similarity - a.similarity || a.key - b.key;
}
