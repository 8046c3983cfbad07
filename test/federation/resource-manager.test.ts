import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {agentTimeUsd, hourlyCost, sharesOf} from '../../src/federation/resource-manager.ts';

const HOUR = 3_600_000;

describe('what agents cost an hour', () => {
  it('is their time at the price of their group and what attempts use', () => {
    const staff = [
      {group: {costPerHour: 0.08}, agents: 10},
      {group: {costPerHour: 0.5}, agents: 2},
    ];
    const cost = hourlyCost({staff, running: 4, metered: 2});
    expect(cost.usdPerHour).toBeCloseTo(3.8);
    expect(cost.usdPerAgentHour).toBeCloseTo(1);
  });

  it('is unknown, not nothing, when no price is known', () => {
    const staff = [{group: {costPerHour: null}, agents: 10}];
    expect(hourlyCost({staff, running: 4, metered: null})).toEqual({usdPerHour: null, usdPerAgentHour: null});
    expect(hourlyCost({staff, running: 4, metered: 2})).toEqual({usdPerHour: 2, usdPerAgentHour: 0.5});
  });

  it('is what the example of docs/scaling.md says', () => {
    const longLived = agentTimeUsd({agentMs: 50 * 8 * HOUR, usdPerHour: 0.08});
    const asNeeded = agentTimeUsd({agentMs: 50 * HOUR + 2 * 7 * HOUR, usdPerHour: 0.08});
    expect([longLived, asNeeded].map(usd => usd.toFixed(2))).toEqual(['32.00', '5.12']);
  });
});

describe('the shares of groups in a team', () => {
  it('follow what was asked for, and leave no group without an agent', () => {
    expect(sharesOf([{count: 6}, {count: 3}, {count: 1}], 20)).toEqual([12, 6, 2]);
    expect(sharesOf([{count: 98}, {count: 1}, {count: 1}], 10)).toEqual([8, 1, 1]);
    expect(sharesOf([{count: 4}, {count: 4}], 1)).toEqual([1, 0]);
  });

  it('sum up to the team', () => {
    const counts = fc.array(fc.integer({min: 1, max: 100}), {minLength: 1, maxLength: 10});
    fc.assert(
      fc.property(counts, fc.integer({min: 0, max: 300}), (asked, agents) => {
        const shares = sharesOf(
          asked.map(count => ({count})),
          agents,
        );
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(agents);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(agents >= asked.length ? 1 : 0);
      }),
    );
  });
});
