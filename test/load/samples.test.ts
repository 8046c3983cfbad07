import {expect, test} from 'vitest';
import {percentile} from '../../scripts/load/load.ts';
import {mixedPlan} from '../../scripts/load/mixed-plan.ts';
import {sampleOf, slopeOf} from '../../scripts/load/samples.ts';
import {checkDocument} from '../../src/plan/check-document.ts';

function samples(bytes: readonly number[]) {
  return bytes.map((residentBytes, second) => ({atMs: second * 1000, residentBytes, descriptors: 0}));
}

test('growth is what a line through the later samples says, in bytes per minute', () => {
  const steady = Array.from({length: 90}, (_, second) => (second < 30 ? second * 1e6 : 30e6));
  expect(slopeOf(samples(steady))).toBeCloseTo(0);
  const growing = Array.from({length: 90}, (_, second) => 1e6 + second * 100);
  expect(slopeOf(samples(growing))).toBeCloseTo(6000);
  expect(slopeOf(samples([1, 2, 3]))).toBeNull();
});

test('a sample is of a living process', () => {
  const own = sampleOf(process.pid);
  expect(own?.residentBytes).toBeGreaterThan(10e6);
  expect(own?.descriptors).toBeGreaterThan(3);
  expect(sampleOf(2 ** 30)).toBeNull();
});

test('a percentile is one of the values', () => {
  const values = Array.from({length: 100}, (_, index) => 100 - index);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 100]);
  expect(percentile([], 0.5)).toBeNaN();
});

test('the mixed plan is a plan, about as long as was asked for, of the tasks that it says', () => {
  for (const size of [
    {agents: 50, seconds: 600},
    {agents: 5, seconds: 20, longest: 2},
  ]) {
    const {document, tasks} = mixedPlan('load', size);
    const {plan} = checkDocument(document);
    const counts = plan?.tasks.map(({foreach}) => (foreach?.from === 'list' ? foreach.items.length : 1)) ?? [];
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(tasks);
    const lots = plan?.tasks.filter(({id}) => id.startsWith('short-')).length ?? 0;
    expect(lots).toBe(size.seconds / 20);
    expect(counts.length).toBe(lots * (size.longest === undefined ? 5 : 4) + 1);
    expect(tasks).toBeGreaterThan((size.agents * size.seconds) / 3);
    expect(tasks).toBeLessThan(size.agents * size.seconds * 1.5);
  }
});
