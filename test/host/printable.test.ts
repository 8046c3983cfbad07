import {expect, test} from 'vitest';
import {lastLineOf, printable} from '../../src/host/printable.ts';

test('colours, control characters and what turns the writing around are left out', () => {
  expect(printable(Buffer.from('\u001b[31mred\u001b[0m\u0007\ttab\u202e\r\nnext'))).toBe('red tab\nnext');
  expect(printable(Buffer.from([0x61, 0xff, 0x00, 0x62]))).toBe('a\ufffdb');
});

test.each([
  ['one\ntwo\n\n  \n', 'two'],
  ['half a li', 'half a li'],
  ['10 %\r20 %\r', '20 %'],
  ['a\u2028b\n', 'ab'],
  ['x'.repeat(20), `${'x'.repeat(9)}…`],
  ['\n\n', null],
  ['', null],
])('the last line of %j is %j', (text, line) => {
  expect(lastLineOf(Buffer.from(text), 10)).toBe(line);
});

test('a character is not cut in half', () => {
  expect(lastLineOf(Buffer.from('12345678😀😀'), 10)).toBe('12345678…');
});
