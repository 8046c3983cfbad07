import fc from 'fast-check';
import {expect, test} from 'vitest';
import {DotContext} from '../../../src/hub/replica/dot-context.ts';
import {reading} from '../../../src/hub/replica/foreign.ts';
import {type Dot, type Order, VersionVector} from '../../../src/hub/replica/version-vector.ts';
import {shuffled, text} from './lawful.ts';

const node = fc.constantFrom('a', 'b', 'c', 'd', '__proto__');
const vector = fc.array(fc.tuple(node, fc.nat({max: 4})), {maxLength: 8}).map(entries => VersionVector.of(entries));
const dot = fc.record({node, counter: fc.integer({min: 1, max: 5})});
/** A context, and the events it was made of. */
const context = fc.record({closed: vector, dots: fc.array(dot, {maxLength: 8})}).map(({closed, dots}) => ({
  context: DotContext.of(closed, dots),
  events: eventsOf(closed, dots),
}));

/** The events themselves, which is what both stand for. */
function eventsOf(closed: VersionVector, loose: Iterable<Dot> = []): Set<string> {
  const events = new Set<string>();
  for (const [name, count] of closed.entries()) for (let n = 1; n <= count; n += 1) events.add(`${name} ${n}`);
  for (const {node: name, counter} of loose) events.add(`${name} ${counter}`);
  return events;
}

function orderOfSets(a: ReadonlySet<string>, b: ReadonlySet<string>): Order {
  const within = [...a].every(event => b.has(event));
  const around = [...b].every(event => a.has(event));
  if (within) return around ? 'equal' : 'before';
  return around ? 'after' : 'concurrent';
}

test('a version vector compares and merges as the sets of events it stands for', () => {
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      expect(a.compare(b)).toBe(orderOfSets(eventsOf(a), eventsOf(b)));
      const merged = a.merge(b);
      expect(eventsOf(merged)).toEqual(new Set([...eventsOf(a), ...eventsOf(b)]));
      expect(text(merged)).toBe(text(b.merge(a)));
      const read = VersionVector.parse(JSON.parse(text(merged)));
      expect(read).toMatchObject({ok: true});
      expect(read.ok && text(read.value)).toBe(text(merged));
    }),
    {numRuns: 300},
  );
});

test('vectors that share their nodes, or were read from afar, merge the same', () => {
  fc.assert(
    fc.property(vector, fc.array(fc.tuple(node, fc.nat({max: 6})), {maxLength: 6}), (start, changes) => {
      const grown = changes.reduce((grows, [name, count]) => grows.with(name, count), start);
      const expected = VersionVector.of([...start.entries(), ...changes]);
      expect(text(grown)).toBe(text(expected));
      const other = changes.reduce((grows, [name, count]) => grows.with(name, 6 - count), start);
      const copy = VersionVector.of(other.entries());
      expect(text(grown.merge(other))).toBe(text(expected.merge(copy)));
      expect(grown.compare(other)).toBe(expected.compare(copy));
    }),
  );
});

test('a merge that adds nothing copies nothing', () => {
  const small = VersionVector.of([['a', 1]]);
  const large = small.with('b', 2);
  expect(large.merge(small)).toBe(large);
  expect(small.merge(large)).toBe(large);
  expect(large.with('b', 1)).toBe(large);
  expect(large.without('c')).toBe(large);
  expect(large.without('b').compare(small)).toBe('equal');
  expect(large.next('b')).toEqual({node: 'b', counter: 3});
});

test('unsorted, doubled, zero and negative entries are refused', () => {
  for (const value of [['b', 1, 'a', 1], ['a', 1, 'a', 1], ['a', 0], ['a', -1], ['a', 0.5], ['a'], ['', 1], {}, 'a']) {
    expect(VersionVector.parse(value), text(value)).toMatchObject({ok: false});
  }
  expect(() => VersionVector.of([['a', -1]])).toThrow(RangeError);
});

test('a context with gaps has, compares and merges as the set of its events', () => {
  fc.assert(
    fc.property(context, context, dot, ({context: a, events: x}, {context: b, events: y}, one) => {
      expect(eventsOf(a.vector, a.dots())).toEqual(x);
      expect(a.has(one)).toBe(x.has(`${one.node} ${one.counter}`));
      expect(a.compare(b)).toBe(orderOfSets(x, y));
      const merged = a.merge(b);
      expect(eventsOf(merged.vector, merged.dots())).toEqual(new Set([...x, ...y]));
      expect(text(merged)).toBe(text(b.merge(a)));
      const read = reading('context', () => DotContext.read(JSON.parse(text(merged))));
      expect(read.ok && text(read.value)).toBe(text(merged));
      const added = a.add(one);
      expect(added.has(one)).toBe(true);
      expect(a.has(a.next(one.node))).toBe(false);
    }),
    {numRuns: 300},
  );
});

test('events that arrive in any order close their gaps and leave only a count', () => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 20}), fc.infiniteStream(fc.nat()), (count, random) => {
      const dots = Array.from({length: count}, (_, index): Dot => ({node: 'n', counter: index + 1}));
      const all = shuffled(dots, random).reduce((grows, next) => grows.add(next), DotContext.EMPTY);
      expect(text(all)).toBe(text([['n', count]]));
    }),
  );
});
