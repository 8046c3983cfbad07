import {describe, expect, it} from 'vitest';
import {agentTimeUsd, hourlyCost} from '../../src/federation/resource-manager.ts';

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

  it('is that of the dearest group that would grow, for one more', () => {
    const staff = [
      {group: {costPerHour: 0.5}, agents: 1},
      {group: {costPerHour: 0.1}, agents: 2},
    ];
    const next = [{costPerHour: 0.1}];
    expect(hourlyCost({staff, next, running: 0, metered: null})).toEqual({usdPerHour: 0.7, usdPerAgentHour: 0.1});
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
