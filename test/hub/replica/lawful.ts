import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Malformed} from '../../../src/hub/replica/foreign.ts';
import type {Result} from '../../../src/base/result.ts';

/** A replicated type under test: how it begins, is edited (at a node, by an operation), merged, written and read. */
export interface Replicated<T extends {toJSON(): unknown}, Op> {
  readonly empty: () => T;
  readonly op: fc.Arbitrary<Op>;
  /** `step` grows with each edit of the run, so that edits can be told apart. */
  readonly edit: (replica: T, edit: {op: Op; node: string; step: number}) => T;
  readonly merge: (a: T, b: T) => T;
  readonly parse: (value: unknown) => Result<T, Malformed>;
  /** What all replicas must show in the end, from the edits and what each of them had seen. */
  readonly oracle: (edits: readonly Seen<Op>[]) => unknown;
  readonly shows: (replica: T) => unknown;
}

/** One edit with the steps that had reached its replica before. */
export interface Seen<Op> {
  readonly op: Op;
  readonly node: string;
  readonly step: number;
  readonly before: ReadonlySet<number>;
}

type Action<Op> =
  | {readonly kind: 'edit'; readonly at: number; readonly op: Op}
  | {readonly kind: 'send'; readonly from: number; readonly to: number}
  | {readonly kind: 'keep'; readonly at: number}
  | {readonly kind: 'redeliver'; readonly which: number; readonly to: number}
  | {readonly kind: 'restart'; readonly at: number};

const REPLICAS = 4;

/**
 * Replicas edit, are cut off, send what they have, get old states late and twice, and are written down and read back in the
 * middle; in the end all are told of each other in some order.
 */
export function holdsTheLaws<T extends {toJSON(): unknown}, Op>(name: string, type: Replicated<T, Op>): void {
  test(`${name}: replicas converge on what the oracle says, over reordering, repeats, partitions and restarts`, () => {
    fc.assert(
      fc.property(history(type.op), fc.infiniteStream(fc.nat()), (actions, random) => {
        const {replicas, edits} = play(type, actions);
        const final = replicas.map(replica => {
          const others = shuffled([...replicas, ...replicas], random);
          return others.reduce((merged, other) => type.merge(merged, other), replica);
        });
        for (const replica of final) {
          expect(text(replica)).toBe(text(final[0]));
          expect(type.shows(replica)).toEqual(type.oracle(edits));
        }
      }),
      {numRuns: 60},
    );
  });

  test(`${name}: merging is commutative, associative and idempotent, and reads back what it wrote`, () => {
    fc.assert(
      fc.property(history(type.op), actions => {
        const [a, b, c] = play(type, actions).replicas;
        if (a === undefined || b === undefined || c === undefined) throw new Error('there are three');
        expect(text(type.merge(a, b))).toBe(text(type.merge(b, a)));
        expect(text(type.merge(type.merge(a, b), c))).toBe(text(type.merge(a, type.merge(b, c))));
        expect(text(type.merge(a, a))).toBe(text(a));
        expect(text(type.merge(type.merge(a, b), b))).toBe(text(type.merge(a, b)));
        expect(text(reread(type, a))).toBe(text(a));
      }),
      {numRuns: 60},
    );
  });
}

function history<Op>(op: fc.Arbitrary<Op>): fc.Arbitrary<Action<Op>[]> {
  const at = fc.nat({max: REPLICAS - 1});
  const action = fc.oneof(
    {weight: 4, arbitrary: fc.record({kind: fc.constant('edit' as const), at, op})},
    {weight: 3, arbitrary: fc.record({kind: fc.constant('send' as const), from: at, to: at})},
    {weight: 1, arbitrary: fc.record({kind: fc.constant('keep' as const), at})},
    {weight: 1, arbitrary: fc.record({kind: fc.constant('redeliver' as const), which: fc.nat(), to: at})},
    {weight: 1, arbitrary: fc.record({kind: fc.constant('restart' as const), at})},
  );
  return fc.array(action, {maxLength: 40, size: 'max'});
}

function play<T extends {toJSON(): unknown}, Op>(type: Replicated<T, Op>, actions: readonly Action<Op>[]) {
  const replicas = Array.from({length: REPLICAS}, () => type.empty());
  const seen = Array.from({length: REPLICAS}, () => new Set<number>());
  const kept: {replica: T; seen: ReadonlySet<number>}[] = [];
  const edits: Seen<Op>[] = [];
  const deliver = (to: number, what: {replica: T; seen: ReadonlySet<number>}) => {
    replicas[to] = type.merge(replicas[to]!, what.replica);
    for (const step of what.seen) seen[to]!.add(step);
  };
  for (const action of actions) {
    switch (action.kind) {
      case 'edit': {
        const step = edits.length;
        const edit = {op: action.op, node: `n${action.at}`, step};
        edits.push({...edit, before: new Set(seen[action.at])});
        replicas[action.at] = type.edit(replicas[action.at]!, edit);
        seen[action.at]!.add(step);
        break;
      }
      case 'send':
        deliver(action.to, {replica: replicas[action.from]!, seen: seen[action.from]!});
        break;
      case 'keep':
        kept.push({replica: reread(type, replicas[action.at]!), seen: new Set(seen[action.at])});
        break;
      case 'redeliver':
        if (kept.length > 0) deliver(action.to, kept[action.which % kept.length]!);
        break;
      case 'restart':
        replicas[action.at] = reread(type, replicas[action.at]!);
    }
  }
  return {replicas, edits};
}

function reread<T extends {toJSON(): unknown}, Op>(type: Replicated<T, Op>, replica: T): T {
  const read = type.parse(JSON.parse(JSON.stringify(replica)));
  if (!read.ok) throw new Error(`${read.failure.what}: ${read.failure.detail}`);
  return read.value;
}

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
