import {expect, test} from 'vitest';
import {formatDuration, parseDuration} from '../../src/base/duration.ts';
import {formatSize, parseSize} from '../../src/base/size.ts';
import {similarTo} from '../../src/base/similar.ts';
import {lastLine, oneLine} from '../../src/base/one-line.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5s', 1500],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  [' 10m ', 600_000],
  ['10', null],
  ['', null],
  ['-1s', null],
  ['1 s', null],
  ['30m1h', null],
  ['1h1h', null],
  ['1.5ms', null],
  ['9'.repeat(400) + 's', null],
])('the duration %j is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  [0, '0 ms'],
  [340, '340 ms'],
  [1000, '1 s'],
  [4230, '4.2 s'],
  [59_990, '1 min'],
  [200_000, '3 min 20 s'],
  [3_599_900, '1 h'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('%s ms is shown as %j', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  ['512', 512],
  ['64KiB', 65_536],
  ['256MB', 268_435_456],
  ['1.5g', 1_610_612_736],
  ['1 MiB', 1_048_576],
  ['x', null],
  ['', null],
])('the size %j is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('sizes are shown short', () => {
  expect([812, 1_468_006, 268_435_456, 1_073_741_823].map(formatSize)).toEqual([
    '812 B',
    '1.4 MiB',
    '256 MiB',
    '1 GiB',
  ]);
});

test('similar words are found for a slip of the finger and not for anything else', () => {
  const words = ['spawn', 'status', 'list', 'logs', 'wait', 'kill', 'rm'];
  expect(similarTo('sapwn', words)).toEqual(['spawn']);
  expect(similarTo('stauts', words)).toEqual(['status']);
  expect(similarTo('log', words)).toEqual(['logs']);
  expect(similarTo('frobnicate', words)).toEqual([]);
});

test('text of others is shown without escape sequences and control characters', () => {
  expect(oneLine('\u001b[1;31mred\u001b[0m\u001b]8;;http://x\u001b\\link\u0000\tz')).toBe('redlink z');
  expect(lastLine('a\n 10%\r 99%\r\n\n')).toBe('99%');
  expect(lastLine('\n \n')).toBeNull();
});
