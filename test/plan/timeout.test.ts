import {describe, expect, it} from 'vitest';
import {parseTimeout} from '../../src/plan/timeout.ts';

describe('parseTimeout', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['1m500ms', 60_500],
    ['2d', 172_800_000],
    [90, 90_000],
    [0.0001, 1],
    ['24d', 2_073_600_000],
  ])('reads %j as %d ms', (text, ms) => {
    expect(parseTimeout(text)).toBe(ms);
  });

  it.each(['', '10', 's', '0s', '-1s', '1.h', '30m1h', '1h1h', '1 h', '25d', '1S', 0, -1, NaN, Infinity])(
    'refuses %j',
    text => {
      expect(parseTimeout(text)).toBeNull();
    },
  );
});
