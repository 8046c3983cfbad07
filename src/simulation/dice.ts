import {type Random, seededRandom} from '../base/random.ts';

/** Seeded choices in the words the simulation needs. Two dice of different names never influence each other. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number, name: string) {
    this.#random = seededRandom(mix(seed, name));
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  /** Uniform whole number in [min, max]. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  /** Between min and max with every order of magnitude as likely as another; min > 0. */
  spread(min: number, max: number): number {
    return min * (max / min) ** this.#random();
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** One of the choices; there must be at least one. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error('Internal error: nothing to pick from');
    // The index is within the list; `undefined` may be one of the choices.
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map(item => ({item, order: this.#random()}))
      .sort((a, b) => a.order - b.order)
      .map(({item}) => item);
  }
}

function mix(seed: number, name: string): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}
