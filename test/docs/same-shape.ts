import {expect} from 'vitest';

/**
 * What a reader of an example may rely on: the fields and the kinds of their values. null stands for anything, since it
 * means unknown; of a list the first element counts.
 */
export function expectSameShape(actual: unknown, documented: unknown, path: string): void {
  if (actual === null || documented === null) return;
  if (Array.isArray(documented) && Array.isArray(actual)) {
    if (documented.length > 0 && actual.length > 0) expectSameShape(actual[0], documented[0], `${path}[0]`);
    return;
  }
  expect(typeof actual, path).toBe(typeof documented);
  if (typeof documented !== 'object' || typeof actual !== 'object') return;
  expect(Object.keys(actual).sort(), path).toEqual(Object.keys(documented).sort());
  for (const [key, value] of Object.entries(documented)) {
    expectSameShape((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
  }
}
