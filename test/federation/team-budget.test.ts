import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {TeamBudget} from '../../src/federation/team-budget.ts';
import type {Budget, Cap} from '../../src/model/budget.ts';
import {type GrowingTotals, NO_TOTALS, noteEnded} from '../../src/model/attempt-totals.ts';
import {UNKNOWN_USAGE, type Usage} from '../../src/model/usage.ts';
import {taskSpec} from '../model/fabricated-specs.ts';

const CHOICE = {runtime: 'claude', model: 'haiku'};
const SPEC = taskSpec('a');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A budget with the totals that its team keeps. */
class Spending {
  readonly budget: TeamBudget;
  readonly totals: GrowingTotals = {...NO_TOTALS};

  constructor(limit: Budget, first: Cap = {usd: 1, tokens: 1000}) {
    this.budget = new TeamBudget(limit, first);
  }

  cap(spec = SPEC): Cap | null {
    return this.budget.capFor(spec, CHOICE, this.totals);
  }

  start(spec = SPEC): Cap {
    const cap = this.cap(spec);
    if (!cap) throw new Error('it cannot be paid');
    this.budget.reserve(cap);
    return cap;
  }

  end(cap: Cap, usage: Partial<Usage>, spec = SPEC): void {
    const used = {...UNKNOWN_USAGE, ...usage};
    this.budget.settle({spec, choice: CHOICE, cap, usage: used});
    this.budget.spend(cap, used);
    const means = {...CHOICE, provider: 'anthropic', cap};
    const outcome = {result: {ok: true}, durationMs: 1, usage: used, outputBytes: null} as const;
    noteEnded(this.totals, {means, outcome});
  }

  run(usd: number): void {
    this.end(this.start(), {usd});
  }
}

describe('whether an attempt can be paid', () => {
  it('is said by the estimate of its task, also when attempts like it have used more', () => {
    const spending = new Spending({usd: 10, tokens: null});
    for (let count = 0; count < 9; count += 1) spending.run(1);
    const declared = taskSpec('b', {estimate: {usd: 0.5}});
    spending.run(0.4);
    expect(spending.cap()).toBeNull();
    expect(spending.cap(declared)?.usd).toBeCloseTo(0.6);
  });

  it('is else said by what nine of ten attempts like it have not exceeded', () => {
    const spending = new Spending({usd: 100, tokens: null});
    for (let usd = 1; usd <= 10; usd += 1) spending.run(usd);
    const held = spending.start(taskSpec('rest', {estimate: {usd: 36}}));
    spending.end(held, {usd: 36.5}, taskSpec('rest', {skills: ['other']}));
    expect(spending.cap()).toBeNull();
    spending.budget.replace({usd: 100.6, tokens: null});
    expect(spending.cap()?.usd).toBeCloseTo(9.1);
  });

  it('counts tokens where the cost is unknown, and takes it neither for nothing nor for known', () => {
    const spending = new Spending({usd: null, tokens: 2000});
    spending.end(spending.start(), {inputTokens: 400, outputTokens: 100});
    expect(spending.cap()).toEqual({usd: null, tokens: 1500});
    const priced = new Spending({usd: 3, tokens: null});
    priced.end(priced.start(), {inputTokens: 400});
    expect(priced.budget.used('usd', priced.totals)).toBe(1);
    expect(priced.cap()?.usd).toBe(1);
  });

  it('never lets what is used and reserved pass the limit, if attempts keep to their caps', () => {
    const steps = fc.array(fc.record({part: fc.double({min: 0, max: 1, noNaN: true}), ends: fc.boolean()}));
    fc.assert(
      fc.property(steps, fc.integer({min: 1, max: 20}), (all, usd) => {
        const spending = new Spending({usd, tokens: null});
        const open: Cap[] = [];
        for (const {part, ends} of all) {
          if (ends) {
            const cap = open.pop();
            if (cap) spending.end(cap, {usd: part * (cap.usd ?? 0)});
          } else if (spending.cap()) open.push(spending.start());
          const taken = spending.budget.used('usd', spending.totals) + spending.budget.reserved.usd;
          expect(taken).toBeLessThanOrEqual(usd + 1e-6);
        }
      }),
    );
  });
});

describe('a budget for any hour', () => {
  it('lets what does not fit into the hour wait until it does', () => {
    const spending = new Spending({usd: null, tokens: null, perHour: 2});
    spending.run(0.9);
    spending.budget.tick(10 * MINUTE);
    spending.run(0.9);
    expect(spending.cap()).toBeNull();
    const atMs = spending.budget.hourAllowsAt(SPEC, CHOICE, spending.totals);
    expect(atMs).toBe(HOUR + MINUTE);
    spending.budget.tick(HOUR + MINUTE);
    expect(spending.cap()?.usd).toBeCloseTo(1.1);
  });

  it('is not what is in the way when the whole is used up', () => {
    const spending = new Spending({usd: 1, tokens: null, perHour: 5});
    spending.run(0.9);
    expect(spending.cap()).toBeNull();
    expect(spending.budget.hourAllowsAt(SPEC, CHOICE, spending.totals)).toBeNull();
  });

  it('waits for what runs when that may use all of the hour', () => {
    const spending = new Spending({usd: null, tokens: null, perHour: 1});
    spending.start();
    expect(spending.cap()).toBeNull();
    expect(spending.budget.hourAllowsAt(SPEC, CHOICE, spending.totals)).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not begin anew with a restart', () => {
    const spending = new Spending({usd: null, tokens: null, perHour: 2});
    spending.budget.tick(30 * MINUTE);
    spending.budget.resume({usedUsd: 1.9, sinceMs: 0});
    expect(spending.cap()).toBeNull();
    expect(spending.budget.usdPerHour).toBeCloseTo(3.8);
  });
});

describe('what an hour may cost', () => {
  it('is not what is in the way when the whole is used up, whatever it is counted in', () => {
    for (const limit of [
      {usd: null, tokens: 1500, perHour: 100},
      {usd: 1, tokens: null, perHour: 100},
    ]) {
      const spending = new Spending(limit);
      spending.budget.tick(0);
      const cap = spending.start();
      spending.end(cap, {usd: 1, inputTokens: 1000, outputTokens: 400});
      expect(spending.cap()).toBeNull();
      expect(spending.budget.hourAllowsAt(SPEC, CHOICE, spending.totals)).toBeNull();
    }
  });

  it('is never asked about again at the same moment', () => {
    const spending = new Spending({usd: null, tokens: null, perHour: 1});
    spending.budget.tick(5 * MINUTE);
    spending.end(spending.start(), {usd: 0});
    const all = spending.start(taskSpec('a', {estimate: {usd: 1}}));
    spending.end(all, {usd: 1});
    expect(spending.cap()).toBeNull();
    expect(spending.budget.hourAllowsAt(SPEC, CHOICE, spending.totals)).toBeGreaterThan(5 * MINUTE);
  });
});
