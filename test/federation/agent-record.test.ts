import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {agentId} from '../../src/model/ids.ts';
import {type AgentRecord, DECAY, NOTHING_KNOWN, noteOutcome, type Outcome} from '../../src/federation/agent-record.ts';
import {anomaliesOf} from '../../src/federation/anomalies.ts';
import {expected, faded, meanOf, measured, NOTHING_MEASURED} from '../../src/federation/decaying-mean.ts';
import {observePeak, peakNow} from '../../src/federation/peak.ts';

const ok = (durationMs: number, changes: Partial<Outcome> = {}): Outcome => {
  return {ok: true, durationMs, usualMs: null, usd: null, ...changes};
};
const many = (count: number, outcome: (n: number) => Outcome): AgentRecord =>
  Array.from({length: count}, (_, n) => outcome(n)).reduce((record, one) => noteOutcome(record, one, 0), NOTHING_KNOWN);

describe('a mean that decays', () => {
  it('lies among what was measured, and weighs no more than that', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.nat(1_000_000)), {minLength: 1, maxLength: 50}), values => {
        let nowMs = 0;
        let mean = NOTHING_MEASURED;
        for (const [value, gapMs] of values) {
          nowMs += gapMs;
          mean = measured(mean, value, {nowMs, decay: DECAY});
        }
        const all = values.map(([value]) => value);
        expect(meanOf(mean)).toBeGreaterThanOrEqual(Math.min(...all) - 1e-6);
        expect(meanOf(mean)).toBeLessThanOrEqual(Math.max(...all) + 1e-6);
        expect(mean.weight).toBeLessThanOrEqual(values.length);
      }),
    );
  });

  it('counts half after its half-life, and is drawn to what is expected anyway', () => {
    const mean = measured(NOTHING_MEASURED, 10, {nowMs: 0, decay: DECAY});
    expect(faded(mean, DECAY.halfLifeMs, DECAY.halfLifeMs)).toBeCloseTo(0.5);
    const at = (nowMs: number) => expected(mean, {prior: 0, trust: 1, nowMs, halfLifeMs: DECAY.halfLifeMs});
    expect(at(0)).toBeCloseTo(5);
    expect(at(20 * DECAY.halfLifeMs)).toBeCloseTo(0, 3);
    expect(at(-5)).toBeCloseTo(5);
  });
});

describe('the record of an agent', () => {
  it('does not take a failure at once for speed', () => {
    const record = many(20, n => (n % 2 === 0 ? ok(1000, {usualMs: 1000}) : ok(1, {ok: false, usualMs: 1000})));
    expect(meanOf(record.duration)).toBeCloseTo(1000);
    expect(meanOf(record.slowness)).toBeCloseTo(0);
    expect(meanOf(record.errors)).toBeGreaterThan(0.4);
    expect(record.peak?.costMs).toBeGreaterThan(1000);
    expect([record.succeeded, record.failed]).toEqual([10, 10]);
  });

  it('learns what it takes against what is usual, and what is known of its cost', () => {
    const record = many(5, () => ok(3000, {usualMs: 1000, usd: 0.5}));
    expect(Math.exp(meanOf(record.slowness) ?? 0)).toBeCloseTo(3);
    expect(meanOf(record.usd)).toBeCloseTo(0.5);
    expect(meanOf(many(5, () => ok(3000)).usd)).toBeNull();
  });

  it('jumps to a peak and comes down from it with the time', () => {
    const peak = observePeak(observePeak(null, 100, 0), 5000, 10);
    expect(peak.costMs).toBe(5000);
    const lower = observePeak(peak, 100, 60_010);
    expect(lower.costMs).toBeCloseTo(2550);
    expect(peakNow(peak, 120_010)).toBeCloseTo(1250);
  });
});

describe('anomalies', () => {
  const agents = (records: readonly AgentRecord[]) => records.map((record, n) => ({id: agentId(`a-${n}`), record}));
  const usual = (n: number) => many(10, k => ok(900 + ((n + k) % 5) * 50, {usualMs: 1000}));

  it('are those much slower or much more often failing than the others, and nobody else', () => {
    const slow = many(10, () => ok(6000, {usualMs: 1000}));
    const flaky = many(10, n => ok(1000, {ok: n % 2 === 0, usualMs: 1000}));
    const found = anomaliesOf(agents([...Array.from({length: 8}, (_, n) => usual(n)), slow, flaky]));
    expect(found.map(({agent, what}) => [agent, what]).sort()).toEqual([
      ['a-8', 'duration'],
      ['a-9', 'errors'],
    ]);
  });

  it('are not looked for where little is known', () => {
    expect(anomaliesOf(agents([usual(0), usual(1), many(10, () => ok(90_000, {usualMs: 1000}))]))).toEqual([]);
    const young = many(2, () => ok(90_000, {usualMs: 1000}));
    expect(anomaliesOf(agents([...Array.from({length: 8}, (_, n) => usual(n)), young]))).toEqual([]);
  });

  it('are never most of the agents', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({min: 1, max: 100_000}), {minLength: 5, maxLength: 30}), durations => {
        const records = durations.map(durationMs => many(6, () => ok(durationMs)));
        expect(anomaliesOf(agents(records)).length).toBeLessThan(durations.length / 2);
      }),
      {numRuns: 50},
    );
  });
});
