import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {QueueWaits} from '../../src/federation/queue-waits.ts';

describe('how long the tasks of a queue have waited', () => {
  it('is what nine of ten have not exceeded', () => {
    const waits = new QueueWaits();
    expect(waits.p90(0)).toBe(0);
    waits.note({length: 2, left: 0, nowMs: 0});
    waits.note({length: 20, left: 0, nowMs: 5000});
    expect(waits.p90(6000)).toBe(1000);
    waits.note({length: 21, left: 0, nowMs: 7000});
    expect(waits.p90(7000)).toBe(2000);
  });

  it('forgets those that have left, who came first', () => {
    const waits = new QueueWaits();
    waits.note({length: 5, left: 0, nowMs: 0});
    waits.note({length: 5, left: 5, nowMs: 1000});
    expect(waits.p90(1500)).toBe(500);
    waits.note({length: 0, left: 0, nowMs: 2000});
    expect(waits.p90(9000)).toBe(0);
  });

  it('is as for a queue in which each arrival is known, to a tenth of a second', () => {
    const steps = fc.array(
      fc.record({
        afterMs: fc.integer({min: 0, max: 400}),
        come: fc.integer({min: 0, max: 5}),
        go: fc.integer({min: 0, max: 5}),
      }),
      {maxLength: 60},
    );
    fc.assert(
      fc.property(steps, all => {
        const waits = new QueueWaits();
        let known: number[] = [];
        let nowMs = 0;
        for (const {afterMs, come, go} of all) {
          nowMs += afterMs;
          const left = Math.min(go, known.length);
          known = [...known.slice(left), ...Array.from({length: come}, () => nowMs)];
          waits.note({length: known.length, left, nowMs});
          const exact = known.length === 0 ? 0 : nowMs - (known[Math.floor(known.length / 10)] ?? nowMs);
          expect(Math.abs(waits.p90(nowMs) - exact)).toBeLessThan(100);
        }
      }),
    );
  });
});
