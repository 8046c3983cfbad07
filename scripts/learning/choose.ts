import type {Random} from '../../src/base/random.ts';

/** One of them, each as likely. */
export function oneOf<T>(random: Random, things: readonly T[]): T {
  const thing = things[Math.floor(random() * things.length)];
  if (thing === undefined) throw new RangeError('there is nothing to choose from');
  return thing;
}

/** A whole number from `low` to `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** All of them, in an order by chance. */
export function shuffled<T>(random: Random, things: readonly T[]): readonly T[] {
  const order = things.map(thing => ({thing, at: random()}));
  return order.sort((a, b) => a.at - b.at).map(({thing}) => thing);
}

/** Of a text: 32 bits for `seededRandom` (FNV-1a). */
export function seedOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const char of parts.join(' ')) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** `count` letters. */
export function letters(random: Random, count: number, alphabet = 'abcdefghijklmnopqrstuvwxyz'): string {
  return Array.from({length: count}, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}
