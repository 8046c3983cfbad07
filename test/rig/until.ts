import {sleep} from '../../src/base/clock.ts';

/** Waits until `look` gives something that is not null, undefined or false; fails by name when the deadline passes. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  {withinMs = 20_000}: {withinMs?: number} = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await sleep(20);
  }
}
