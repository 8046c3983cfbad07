import fc from 'fast-check';
import {expect, test} from 'vitest';
import {GCounter, MAX_NODE_COUNT, PnCounter} from '../../../src/hub/replica/counters.ts';
import {EpisodeFold} from '../../../src/hub/replica/episode-fold.ts';
import {type Malformed, readText} from '../../../src/hub/replica/foreign.ts';
import type {Result} from '../../../src/base/result.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {Latest} from '../../../src/hub/replica/latest.ts';
import {LwwRegister} from '../../../src/hub/replica/lww-register.ts';
import {type Bias, LwwSet} from '../../../src/hub/replica/lww-set.ts';
import {mergeWithin} from '../../../src/hub/replica/merge-within.ts';
import {OrSet} from '../../../src/hub/replica/or-set.ts';
import {parseWriteClock} from '../../../src/hub/replica/write-clock.ts';
import {CausalView} from '../../../src/hub/replica/causal-view.ts';
import {VersionVector} from '../../../src/hub/replica/version-vector.ts';
import {VersionVectorSet} from '../../../src/hub/replica/version-vector-set.ts';
import {holdsTheLaws, hostile, text} from './lawful.ts';

/** Few milliseconds and one node, so that equal stamps are common. */
const stamp = fc.nat({max: 6}).map(ms => formatStamp({ms, counter: 0, node: 'n'}));
const element = fc.constantFrom('a', 'b', '__proto__', 'constructor');

holdsTheLaws('G-counter', {
  empty: () => GCounter.ZERO,
  op: fc.nat({max: 5}),
  edit: (counter, {op, node}) => counter.merge(counter.delta(node, op)),
  merge: (a, b) => a.merge(b),
  parse: value => GCounter.parse(value),
  shows: counter => counter.value,
  oracle: edits => edits.reduce((sum, {op}) => sum + op, 0),
});

holdsTheLaws('PN-counter', {
  empty: () => PnCounter.ZERO,
  op: fc.integer({min: -5, max: 5}),
  edit: (counter, {op, node, step}) =>
    step % 2 === 0 ? counter.add(node, op) : counter.merge(counter.delta(node, op)),
  merge: (a, b) => a.merge(b),
  parse: value => PnCounter.parse(value),
  shows: counter => [counter.value, counter.up - counter.down],
  oracle: edits => {
    const sum = edits.reduce((total, {op}) => total + op, 0);
    return [sum, sum];
  },
});

holdsTheLaws('LWW register', {
  empty: () => LwwRegister.of<string>('', formatStamp({ms: 0, counter: 0, node: 'n'})),
  op: fc.record({at: stamp, value: fc.constantFrom('x', 'y', 'z')}),
  edit: (register, {op}) => register.set(op.value, op.at),
  merge: (a, b) => a.merge(b),
  parse: value => LwwRegister.parse(value, inner => readText(inner, 'a value', {least: 0})),
  shows: register => register.value,
  oracle: edits => {
    const first = [formatStamp({ms: 0, counter: 0, node: 'n'}), ''] as const;
    const writes = [first, ...edits.map(({op}) => [op.at, op.value] as const)];
    return writes.toSorted(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1)).at(-1)?.[1];
  },
});

for (const bias of ['add', 'remove'] satisfies Bias[]) {
  holdsTheLaws(`LWW set biased to ${bias}`, {
    empty: () => LwwSet.empty(bias),
    op: fc.record({at: stamp, element, adds: fc.boolean()}),
    edit: (set, {op}) => (op.adds ? set.add(op.element, op.at) : set.remove(op.element, op.at)),
    merge: (a, b) => a.merge(b),
    parse: value => LwwSet.parse(value),
    shows: set => set.values(),
    oracle: edits =>
      elements(edits.map(({op}) => op.element)).filter(name => {
        const changes = edits.filter(({op}) => op.element === name).map(({op}) => op);
        const last = changes
          .map(({at}) => at)
          .toSorted()
          .at(-1);
        const latest = changes.filter(({at}) => at === last);
        return bias === 'add' ? latest.some(({adds}) => adds) : latest.every(({adds}) => adds);
      }),
  });
}

holdsTheLaws('OR-set', {
  empty: () => OrSet.EMPTY,
  op: fc.record({element, adds: fc.boolean()}),
  edit: (set, {op, node, step}) => {
    if (step % 2 === 0) return op.adds ? set.add(op.element, node) : set.remove(op.element);
    return set.merge(op.adds ? set.addition(op.element, node) : set.removal(op.element));
  },
  merge: (a, b) => a.merge(b),
  parse: value => OrSet.parse(value),
  shows: set => set.values(),
  oracle: edits =>
    elements(edits.map(({op}) => op.element)).filter(name => {
      const mine = edits.filter(({op}) => op.element === name);
      const gone = (step: number) => mine.some(({op, before}) => !op.adds && before.has(step));
      return mine.some(({op, step}) => op.adds && !gone(step));
    }),
});

holdsTheLaws('version vector set', {
  empty: () => VersionVectorSet.empty<number>(),
  op: fc.constant(null),
  edit: (set, {node, step}) => set.put({node, seen: set.history(), value: step}),
  merge: (a, b) => a.merge(b),
  parse: value => VersionVectorSet.parse(value, inner => inner as number),
  shows: set => set.values().toSorted((a, b) => a - b),
  oracle: edits => edits.map(({step}) => step).filter(step => !edits.some(({before}) => before.has(step))),
});

function elements(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}

test('a value written without having read the others stands beside them, at the same node too', () => {
  const first = VersionVectorSet.empty<string>().put({node: 'n', seen: VersionVector.EMPTY, value: 'a'});
  const both = first.put({node: 'n', seen: VersionVector.EMPTY, value: 'b'});
  expect(both.values()).toEqual(['b', 'a']);
  expect(both.put({node: 'm', seen: first.history(), value: 'c'}).values()).toEqual(['c', 'b']);
  expect(both.put({node: 'm', seen: both.history(), value: 'c'}).values()).toEqual(['c']);
});

test('an OR-set that is emptied again and again stays as small as it was', () => {
  let set = OrSet.EMPTY;
  for (let round = 0; round < 1000; round += 1) set = set.add(`tag-${round}`, 'hub').remove(`tag-${round}`);
  expect(set.size).toBe(0);
  expect(text(set).length).toBeLessThan(40);
});

test('differences of an OR-set may come in any order, and one that is missing brings nothing back', () => {
  const one = OrSet.EMPTY.addition('a', 'n');
  const two = OrSet.EMPTY.merge(one).addition('b', 'n');
  const gone = OrSet.EMPTY.merge(one).removal('a');
  const late = OrSet.EMPTY.merge(two).merge(gone);
  expect(late.values()).toEqual(['b']);
  expect(late.merge(one).values()).toEqual(['b']);
});

test('what is forgotten of an LWW set is removals only, and only old ones', () => {
  const at = (ms: number) => formatStamp({ms, counter: 0, node: 'n'});
  const set = LwwSet.empty('add').add('a', at(1)).remove('b', at(2)).remove('c', at(9));
  const rest = set.forget(at(5));
  expect(rest.values()).toEqual(['a']);
  expect(rest.add('b', at(1)).has('b')).toBe(true);
  expect(rest.add('c', at(8)).has('c')).toBe(false);
  expect(() => set.merge(LwwSet.empty('remove'))).toThrow('biased');
});

test('the kept keys of a full map are the same in any order of arrival and of merging', () => {
  const write = fc.record({key: fc.nat({max: 9}).map(String), at: stamp, value: fc.boolean()});
  fc.assert(
    fc.property(fc.array(write, {maxLength: 40}), fc.nat({max: 40}), (writes, cut) => {
      const filled = (some: typeof writes) => {
        const latest = new Latest<boolean>(3);
        for (const {key, at, value} of some) latest.put(key, {at, tie: '', value});
        return latest;
      };
      const merged = filled(writes.slice(cut));
      merged.mergeFrom(filled(writes.slice(0, cut)));
      expect(text(merged)).toBe(text(filled(writes)));
      expect(text(filled(writes.toReversed()))).toBe(text(filled(writes)));
      expect(merged.size).toBeLessThanOrEqual(3);
    }),
  );
});

test('counters refuse what would make them wrong', () => {
  expect(() => GCounter.ZERO.add('n', -1)).toThrow(RangeError);
  expect(() => GCounter.ZERO.add('n', 0.5)).toThrow(RangeError);
  expect(() => GCounter.ZERO.add('n', MAX_NODE_COUNT).add('n')).toThrow(RangeError);
  expect(GCounter.parse(['n', MAX_NODE_COUNT + 1])).toMatchObject({ok: false});
});

test('a merge that would grow beyond its bound is refused, one that would not is taken', () => {
  const [a, b] = [OrSet.EMPTY.add('a', 'n'), OrSet.EMPTY.add('b', 'm')];
  expect(mergeWithin(a, b, 1)).toMatchObject({ok: false, failure: {kind: 'full', size: 2, most: 1}});
  expect(mergeWithin(a, b, 2)).toMatchObject({ok: true});
});

test('hostile input is refused with a reason by every reader, or is what it says, and pollutes nothing', () => {
  const readers: readonly ((value: unknown) => Result<unknown, Malformed>)[] = [
    value => VersionVector.parse(value),
    value => GCounter.parse(value),
    value => PnCounter.parse(value),
    value => LwwSet.parse(value),
    value => OrSet.parse(value),
    value => EpisodeFold.parse(value),
    value => CausalView.parse(value),
    parseWriteClock,
    (value: unknown) => LwwRegister.parse(value, inner => readText(inner, 'a value')),
    (value: unknown) => VersionVectorSet.parse(value, inner => readText(inner, 'a value')),
  ];
  fc.assert(
    fc.property(hostile, value => {
      for (const read of readers) {
        const answer = read(value);
        if (!answer.ok) expect(answer.failure.detail).not.toBe('');
      }
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    }),
    {numRuns: 500},
  );
});

test('names that mean something to objects are names like others', () => {
  const counter = GCounter.ZERO.add('__proto__', 2).add('constructor', 1);
  expect(GCounter.parse(JSON.parse(text(counter)))).toMatchObject({ok: true});
  expect(counter.value).toBe(3);
  expect(OrSet.EMPTY.add('__proto__', 'toString').values()).toEqual(['__proto__']);
});
