import fc from 'fast-check';
import {expect, test} from 'vitest';
import * as Y from 'yjs';
import type {JsonValue} from '../../../src/base/json.ts';
import {seededRandom} from '../../../src/base/random.ts';
import {type DocumentNews, SharedDocument} from '../../../src/hub/replica/shared-document.ts';
import {text} from './lawful.ts';
import {mutate, rawUpdate} from './updates.ts';

function shows(document: SharedDocument): unknown {
  return [
    document.text('t').toString(),
    [...document.map('m').entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    document.list('l').values(),
  ];
}

/** Brings `to` to where `from` is, as client and hub do: by the state vector of one and the update of the other. */
function sync(from: SharedDocument, to: SharedDocument): void {
  const missing = from.missing(to.vector());
  expect(missing).toMatchObject({ok: true});
  if (missing.ok) expect(to.apply(missing.value, 'sync')).toEqual({ok: true});
}

function reopened(document: SharedDocument): SharedDocument {
  const opened = SharedDocument.open(document.snapshot());
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

const REPLICAS = 3;
const at = fc.nat({max: REPLICAS - 1});
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at,
      place: fc.nat(),
      added: fc.string({minLength: 1, maxLength: 4, unit: 'binary'}),
    }),
  },
  {weight: 2, arbitrary: fc.record({kind: fc.constant('delete' as const), at, place: fc.nat()})},
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      at,
      key: fc.constantFrom('a', 'b', '__proto__'),
      value: fc.jsonValue().map(value => value as JsonValue),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      at,
      place: fc.nat(),
      values: fc.array(fc.integer(), {maxLength: 3}),
    }),
  },
  {weight: 3, arbitrary: fc.record({kind: fc.constant('deliver' as const), at, which: fc.nat()})},
  {weight: 1, arbitrary: fc.record({kind: fc.constant('restart' as const), at})},
);

test('replicas converge over reordering, repeats, partitions and restarts', () => {
  fc.assert(
    fc.property(fc.array(action, {maxLength: 40, size: 'max'}), actions => {
      const sent: Uint8Array[] = [];
      const heard = (document: SharedDocument) => {
        document.onChange(({update}) => sent.push(update));
        return document;
      };
      const replicas = Array.from({length: REPLICAS}, () => heard(new SharedDocument()));
      for (const step of actions) {
        const document = replicas[step.at]!;
        const shared = document.text('t');
        if (step.kind === 'insert') shared.insert(step.place % (shared.length + 1), step.added);
        if (step.kind === 'delete' && shared.length > 0) shared.delete(step.place % shared.length, 1);
        if (step.kind === 'set') document.map('m').set(step.key, step.value);
        const list = document.list('l');
        if (step.kind === 'push') list.insert(step.place % (list.length + 1), step.values);
        if (step.kind === 'restart') replicas[step.at] = heard(reopened(document));
        if (step.kind !== 'deliver' || sent.length === 0) continue;
        const answer = document.apply(sent[step.which % sent.length]!, null);
        if (!answer.ok) expect(answer.failure.kind).toBe('gap');
      }
      for (const to of [...replicas, ...replicas]) for (const from of replicas) sync(from, to);
      for (const document of replicas) {
        expect(shows(document)).toEqual(shows(replicas[0]!));
        expect(shows(reopened(document))).toEqual(shows(document));
        expect(text([...document.vector()])).toBe(text([...replicas[0]!.vector()]));
      }
    }),
    {numRuns: 40},
  );
});

test('an update that builds on what is missing is refused, and taken once that is there', () => {
  const [writer, reader] = [new SharedDocument(), new SharedDocument()];
  const updates: Uint8Array[] = [];
  writer.onChange(({update}) => updates.push(update));
  writer.text('t').insert(0, 'one');
  writer.text('t').insert(3, ' two');
  expect(reader.apply(updates[1]!, null)).toMatchObject({ok: false, failure: {kind: 'gap'}});
  expect(shows(reader)).toEqual(shows(new SharedDocument()));
  expect(reader.apply(updates[0]!, null)).toEqual({ok: true});
  expect(reader.apply(updates[1]!, null)).toEqual({ok: true});
  expect(reader.text('t').toString()).toBe('one two');
});

test('a change tells those who listen once, with its origin; several edits are one', () => {
  const [document, other] = [new SharedDocument(), new SharedDocument()];
  const told: DocumentNews[] = [];
  const stop = document.onChange(news => told.push(news));
  document.edit('me', () => {
    document.text('t').insert(0, 'a');
    document.map('m').set('k', {deep: [1]});
  });
  expect(told.map(({origin}) => origin)).toEqual(['me']);
  expect(other.apply(told[0]!.update, 'socket-1')).toEqual({ok: true});
  expect(shows(other)).toEqual(shows(document));
  document.apply(other.snapshot(), 'socket-2');
  expect(told).toHaveLength(1);
  stop();
  document.text('t').insert(0, 'b');
  expect(told).toHaveLength(1);
});

test('a listener that throws leaves the document whole and the others told', () => {
  const document = new SharedDocument();
  const told: string[] = [];
  document.onChange(() => {
    throw new Error('mine');
  });
  document.onChange(() => told.push('told'));
  expect(() => document.text('t').insert(0, 'a')).toThrow(AggregateError);
  expect([document.text('t').toString(), ...told]).toEqual(['a', 'told']);
});

test('what is read is a copy, and a text, a map and a list of one name are three things', () => {
  const document = new SharedDocument();
  const value = {list: [1]};
  document.map('x').set('k', value);
  value.list.push(2);
  (document.map('x').get('k') as {list: number[]}).list.push(3);
  expect(document.map('x').get('k')).toEqual({list: [1]});
  document.text('x').insert(0, 'text');
  document.list('x').insert(0, [null, ['nested'], 'value']);
  expect(document.list('x').values()).toEqual([null, ['nested'], 'value']);
  expect(document.map('x').delete('k')).toEqual({ok: true});
  expect(document.map('x').entries().size).toBe(0);
  expect(() => document.text('')).toThrow(RangeError);
});

test('edits outside the text or list, and values that are no JSON, are refused and change nothing', () => {
  const document = new SharedDocument();
  const bad = {ok: false, failure: {kind: 'bad-edit'}};
  expect(document.text('t').insert(1, 'a')).toMatchObject(bad);
  expect(document.text('t').insert(-1, 'a')).toMatchObject(bad);
  expect(document.text('t').delete(0, 1)).toMatchObject(bad);
  expect(document.list('l').insert(0.5, [1])).toMatchObject(bad);
  expect(document.list('l').delete(0, Number.NaN)).toMatchObject(bad);
  const polluting: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [polluting, circle, Number.NaN, undefined, new Map(), () => 1, 1n] as never[]) {
    expect(document.map('m').set('k', value)).toMatchObject(bad);
    expect(document.list('l').insert(0, [value])).toMatchObject(bad);
  }
  expect(document.snapshot()).toEqual(new SharedDocument().snapshot());
});

test('updates and documents over their size are refused, and there is room again once something is deleted', () => {
  const document = new SharedDocument({maxUpdateBytes: 500, maxBytes: 2000});
  expect(document.text('t').insert(0, 'x'.repeat(501))).toMatchObject({ok: false, failure: {kind: 'too-large'}});
  expect(document.apply(new Uint8Array(501), null)).toMatchObject({ok: false, failure: {kind: 'too-large'}});
  let answer = document.text('t').insert(0, 'x'.repeat(400));
  for (let n = 0; n < 10 && answer.ok; n += 1) answer = document.text('t').insert(0, 'x'.repeat(400));
  expect(answer).toMatchObject({ok: false, failure: {kind: 'full'}});
  expect(document.snapshot().length).toBeLessThanOrEqual(2000);
  const other = new SharedDocument();
  other.text('u').insert(0, 'y'.repeat(450));
  expect(document.apply(other.snapshot(), null)).toMatchObject({ok: false, failure: {kind: 'full'}});
  expect(document.text('t').delete(0, 1000)).toEqual({ok: true});
  expect(document.apply(other.snapshot(), null)).toEqual({ok: true});
  expect(SharedDocument.open(document.snapshot(), {maxBytes: 100})).toMatchObject({
    ok: false,
    failure: {kind: 'too-large'},
  });
});

test('what Yjs can hold and shared documents do not is refused', () => {
  const makes: ((doc: Y.Doc) => unknown)[] = [
    doc => doc.getText('no-kind').insert(0, 'a'),
    doc => doc.getMap('map:m').set('k', new Y.Map()),
    doc => doc.getMap('map:m').set('k', new Y.Doc()),
    doc => doc.getMap('map:m').set('k', new Uint8Array(3)),
    doc => doc.getMap('map:m').set('k', 1n),
    doc => doc.getText('text:t').insert(0, 'a', {bold: true}),
    doc => doc.getMap<unknown>('map:m').set('k', JSON.parse('{"__proto__": {"polluted": true}}') as unknown),
    doc => doc.getMap('map:m').set('k', [undefined]),
    doc => doc.getMap('map:m').set('k', {deep: [Number.NaN]}),
  ];
  for (const make of makes) {
    const doc = new Y.Doc();
    make(doc);
    const document = new SharedDocument();
    expect(document.apply(Y.encodeStateAsUpdate(doc), null), String(make)).toMatchObject({
      ok: false,
      failure: {kind: 'malformed'},
    });
    expect(document.snapshot()).toEqual(new SharedDocument().snapshot());
  }
});

test('counts that promise more than the bytes hold cost nothing', () => {
  const document = new SharedDocument();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (const counts of [
    [1, 30_000_000],
    [1, 2 ** 50],
    [2 ** 50, 1],
    [1, 2 ** 31],
  ]) {
    expect(document.apply(rawUpdate(counts), null)).toMatchObject({ok: false, failure: {kind: 'malformed'}});
    expect(document.missing(rawUpdate(counts))).toMatchObject({ok: false, failure: {kind: 'malformed'}});
  }
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  expect(grown).toBeLessThan(50 * 1024 * 1024);
});

test('nesting deeper than the stack is refused', () => {
  // One client, one item of it, content of kind 8 (any) in the root list:l, one value; 117 is an array, then its length.
  const head = [...rawUpdate([1, 1, 5, 0, 8, 1, 6]), ...Buffer.from('list:l'), 1];
  const nested = (deep: number) =>
    Uint8Array.from([...head, ...Array.from({length: deep}, () => [117, 1]).flat(), 117, 0, 0]);
  const document = new SharedDocument();
  expect(document.apply(nested(100_000), null)).toMatchObject({ok: false, failure: {kind: 'malformed'}});
  expect(document.apply(nested(40), null)).toMatchObject({ok: false, failure: {kind: 'malformed'}});
  expect(document.apply(nested(2), null)).toEqual({ok: true});
  expect(document.list('l').values()).toEqual([[[[]]]]);
});

test('mutated updates never throw, never leave anything waiting, and leave a document that still works', () => {
  const random = seededRandom(5);
  const seen = new Set<string>();
  for (let round = 0; round < 300; round += 1) seen.add(mutate(random));
  expect([...seen].toSorted()).toEqual(['gap', 'malformed', 'taken']);
});
