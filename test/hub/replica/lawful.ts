import fc from 'fast-check';

export function shuffled<T>(items: readonly T[], random: Iterator<number>): T[] {
  const rest = [...items];
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice((random.next().value as number) % rest.length, 1));
  return order;
}

export function text(value: unknown): string {
  return JSON.stringify(value);
}

/** What is no JSON of any replicated type, and what may try to harm the reader. */
export const hostile = fc.oneof(
  fc.jsonValue(),
  fc.anything({withNullPrototype: true, withSparseArray: true, withMap: true}),
  fc.constantFrom<unknown>(
    JSON.parse('{"__proto__": {"polluted": true}}'),
    [['__proto__', 1]],
    ['__proto__', -1],
    ['a', 1e300],
    ['b', 1, 'a', 1],
    Array.from({length: 20_002}, () => 'x'),
  ),
);
