import fc from 'fast-check';
import {expect, test} from 'vitest';
import {Redaction} from '../../src/host/redaction.ts';

function streamed(redaction: Redaction, chunks: readonly Buffer[]): string {
  const stream = redaction.stream();
  return Buffer.concat([...chunks.map(chunk => stream.write(chunk)), stream.end()]).toString('utf8');
}

test('hides the values of the variables that are named, and no others', () => {
  const redaction = Redaction.of({KEY: 'sk-12345', OPEN: 'visible', SHORT: 'abc'}, ['KEY', 'SHORT', 'MISSING']);
  expect(redaction.text('key=sk-12345 visible abc')).toBe('key=*** visible abc');
});

test('characters with a meaning in patterns are only characters', () => {
  expect(new Redaction(['a.c$(x)[0]+']).text('<a.c$(x)[0]+> <abc$(x)[0]+>')).toBe('<***> <abc$(x)[0]+>');
});

test('a value of several lines is hidden line by line, also where it is escaped as in JSON', () => {
  const redaction = new Redaction(['-----BEGIN-----\nMIIE"vQIB\n-----END-----\n']);
  expect(redaction.text('-----BEGIN-----\nMIIE"vQIB')).toBe('***\n***');
  expect(redaction.text('{"key":"-----BEGIN-----\\nMIIE\\"vQIB\\n"}')).toBe('{"key":"***\\n***\\n"}');
});

test('a secret that was cut off at the end of a text is hidden too', () => {
  const redaction = new Redaction(['abcdefghijkl']);
  expect(redaction.text('said abcdefgh')).toBe('said ***');
  expect(redaction.text('said abcde')).toBe('said abcde');
});

test('in a stream it does not matter where the chunks end', () => {
  const redaction = new Redaction(['secret-ä-value', 'secret-ä-value-that-is-longer', 'value-x', 'aaaaaab']);
  const text = 'a secret-ä-value-x, secret-ä-value-that-is-longer, aaaaaaab secret-ä-valu';
  const whole = streamed(redaction, [Buffer.from(text)]);
  expect(whole).toBe('a ***-x, ***, a*** secret-ä-valu');
  fc.assert(
    fc.property(fc.array(fc.integer({min: 1, max: 12}), {maxLength: 60}), sizes => {
      const bytes = Buffer.from(text);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)));
      chunks.push(bytes.subarray(at));
      expect(streamed(redaction, chunks)).toBe(whole);
    }),
  );
});

test('holds back nothing but what may become a secret, and leaves bytes as they are', () => {
  const stream = new Redaction(['secret-value']).stream();
  expect(stream.write(Buffer.from('50 %\r')).toString()).toBe('50 %\r');
  expect(stream.write(Buffer.from('a secr')).toString()).toBe('a ');
  expect(stream.write(Buffer.from('et')).toString()).toBe('');
  expect(stream.write(Buffer.from('ary')).toString()).toBe('secretary');
  const bytes = Buffer.from([...Array(256).keys()]);
  expect(stream.write(bytes)).toEqual(bytes);
});

test('without secrets everything passes', () => {
  const chunk = Buffer.from('anything');
  expect(new Redaction([]).stream().write(chunk)).toBe(chunk);
  expect(new Redaction(['', 'short']).text('short')).toBe('short');
});
