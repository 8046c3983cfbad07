import {expect} from 'vitest';
import type {Random} from '../../../src/base/random.ts';
import {SharedDocument} from '../../../src/hub/replica/shared-document.ts';

/** Variable-length unsigned integers, as Yjs writes them. */
export function rawUpdate(numbers: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const number of numbers) {
    let rest = number;
    while (rest > 127) {
      bytes.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

/**
 * Gives a document an update with some of its bytes changed, cut or repeated. Refused, it has changed nothing; whatever
 * becomes of it, the document can still be edited, and so can a copy from its snapshot.
 */
export function mutate(random: Random): string {
  const below = (limit: number) => Math.floor(random() * limit);
  const source = new SharedDocument();
  const document = new SharedDocument();
  const edit = (target: SharedDocument) => {
    const text = target.text('t');
    text.insert(below(text.length + 1), 'word '.repeat(1 + below(3)));
    if (text.length > 8 && random() < 0.5) text.delete(below(text.length - 4), 1 + below(4));
    target.map('m').set(`k${below(3)}`, {n: below(1000), list: [below(10), 'x', null]});
    target.list('l').insert(below(target.list('l').length + 1), [below(100), 'item']);
  };
  for (let n = below(3); n >= 0; n -= 1) edit(source);
  document.apply(source.snapshot(), null);
  edit(document);
  for (let n = below(3); n >= 0; n -= 1) edit(source);
  const missing = source.missing(document.vector());
  if (!missing.ok) throw new Error(missing.failure.detail);
  const bytes = Array.from(random() < 0.5 ? missing.value : source.snapshot());
  for (let n = below(4); n >= 0; n -= 1) {
    const place = below(bytes.length);
    const kind = below(4);
    if (kind === 0) bytes[place] = below(256);
    else if (kind === 1) bytes[place] = (bytes[place] ?? 0) ^ (1 << below(8));
    else if (kind === 2) bytes.splice(place, 1 + below(4));
    else bytes.splice(place, 0, ...bytes.slice(place, place + 1 + below(8)));
  }
  const before = Buffer.from(document.snapshot()).toString('hex');
  const answer = document.apply(Uint8Array.from(bytes), 'hostile');
  if (!answer.ok) expect(Buffer.from(document.snapshot()).toString('hex')).toBe(before);
  edit(document);
  const opened = SharedDocument.open(document.snapshot());
  if (!opened.ok) throw new Error(`${opened.failure.detail} ${Buffer.from(bytes).toString('hex')}`);
  expect(opened.value.vector()).toEqual(document.vector());
  edit(opened.value);
  return answer.ok ? 'taken' : answer.failure.kind;
}
