import {sleep} from '../../src/base/clock.ts';

/** Waits until `look` gives something that is not null, undefined or false; fails by name when the deadline passes. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  {withinMs = 40_000}: {withinMs?: number} = {},
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    // What is left of T is what the condition leaves.
    if (seen !== null && seen !== undefined && seen !== false) return seen as Exclude<T, null | undefined | false>;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await sleep(20);
  }
}
