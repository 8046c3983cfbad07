import fc from 'fast-check';
import {expect, test} from 'vitest';
import {PhiAccrual, phiOf, scoreOf} from '../../src/federation/phi-accrual.ts';

const options = {window: 20, firstIntervalMs: 500, minDeviationMs: 50, pauseMs: 150};
const intervals = fc.array(fc.double({min: 0, max: 5000, noNaN: true}), {maxLength: 60});

function beaten(times: readonly number[]): PhiAccrual {
  const beats = new PhiAccrual(options, 0);
  let atMs = 0;
  for (const interval of times) {
    atMs += interval;
    beats.heard(atMs);
  }
  return beats;
}

test('suspicion grows with the silence, whatever was heard before, and is a number from 0 on', () => {
  fc.assert(
    fc.property(intervals, fc.array(fc.double({min: 0, max: 1e7, noNaN: true}), {minLength: 2}), (times, silences) => {
      const beats = beaten(times);
      const phis = silences.toSorted((a, b) => a - b).map(silence => beats.phi(beats.lastMs + silence));
      for (const [index, phi] of phis.entries()) {
        expect(phi).toBeGreaterThanOrEqual(phis[index - 1] ?? 0);
        expect(Number.isFinite(phi)).toBe(true);
      }
    }),
  );
});

test('a beat takes all suspicion away', () => {
  fc.assert(
    fc.property(intervals, fc.double({min: 0, max: 1e6, noNaN: true}), (times, silence) => {
      const beats = beaten(times);
      const nowMs = beats.lastMs + silence;
      beats.heard(nowMs);
      expect(beats.phi(nowMs)).toBeLessThan(1);
    }),
  );
});

test('the time it tells beforehand is when the suspicion is there, not earlier and not later', () => {
  fc.assert(
    fc.property(intervals, fc.double({min: 0.5, max: 12, noNaN: true}), (times, phi) => {
      const beats = beaten(times);
      const whenMs = beats.whenMs(scoreOf(phi));
      expect(beats.phi(whenMs + 0.01)).toBeGreaterThanOrEqual(phi);
      expect(beats.phi(whenMs - 1)).toBeLessThan(phi);
    }),
  );
});

test('what is irregular is given more time than what is regular', () => {
  const regular = beaten(Array.from({length: 40}, () => 500));
  const irregular = beaten(Array.from({length: 40}, (_, index) => (index % 2 === 0 ? 300 : 700)));
  expect(regular.whenMs(scoreOf(3)) - regular.lastMs).toBeLessThan(850);
  expect(irregular.whenMs(scoreOf(3)) - irregular.lastMs).toBeGreaterThan(1200);
});

test('beats that come together do not make it expect that they always do', () => {
  const beats = beaten(Array.from({length: 40}, () => 500));
  const patience = beats.whenMs(scoreOf(3)) - beats.lastMs;
  const nowMs = beats.lastMs + 500;
  for (let beat = 0; beat < 100; beat += 1) beats.heard(nowMs);
  expect(beats.whenMs(scoreOf(3)) - beats.lastMs).toBeGreaterThanOrEqual(patience);
});

test('what has left the window has no influence any more', () => {
  const late = beaten([...Array.from({length: 5}, () => 5000), ...Array.from({length: 20}, () => 500)]);
  const never = beaten(Array.from({length: 40}, () => 500));
  expect(late.whenMs(scoreOf(3)) - late.lastMs).toBe(never.whenMs(scoreOf(3)) - never.lastMs);
});

test('it is the upper tail of the normal distribution, as far as the approximation goes', () => {
  for (const [score, tail] of [
    [0, 0.5],
    [1, 0.158655],
    [2, 0.02275],
    [3, 0.00135],
  ] as const) {
    expect(10 ** -phiOf(score)).toBeCloseTo(tail, 3);
  }
  expect(scoreOf(phiOf(2.5))).toBeCloseTo(2.5, 4);
});
