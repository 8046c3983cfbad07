import {expect, test} from 'vitest';
import {type Costs, costView, type Spending} from '../../src/model/cost-view.ts';

const spent: Spending = {
  attempts: 3,
  running: 1,
  usd: 4,
  unpriced: 1,
  uncounted: 1,
  unsettledUsd: 2,
  unsettledTokens: 50,
  reservedUsd: 1,
  reservedTokens: 25,
  inputTokens: 100,
  outputTokens: 10,
  cacheReadTokens: 1_000_000,
  cacheWriteTokens: 1000,
};
const nothing = {rows: [], omitted: 0};
const costs = (totals: Spending): Costs => ({totals, byTask: nothing, byAgent: nothing, byModel: nothing});

function budgetOf(usd: number | null, tokens: number | null, totals = spent) {
  return costView({team: 't', budget: {...UNUSED, limitUsd: usd, limitTokens: tokens}, costs: costs(totals)}).budget;
}

const UNUSED = {usedUsd: 0, usedTokens: 0, reservedUsd: 0, reservedTokens: 0};

test('of a budget is left what is neither used, nor unknown, nor reserved, caches not counted', () => {
  expect(budgetOf(10, 1000)).toEqual({usd: {limit: 10, left: 3}, tokens: {limit: 1000, left: 815}});
});

test('less than nothing is nothing, and what is not limited has nothing left to show', () => {
  expect(budgetOf(5, null)).toEqual({usd: {limit: 5, left: 0}, tokens: null});
  expect(costView({team: 't', budget: null, costs: costs(spent)}).budget).toEqual({usd: null, tokens: null});
});

test('all of a budget is left where nothing is known to be used', () => {
  const unknown = {...spent, usd: null, unsettledUsd: 0, reservedUsd: 0, inputTokens: null, outputTokens: null};
  expect(budgetOf(5, 100, {...unknown, unsettledTokens: 0, reservedTokens: 0})).toEqual({
    usd: {limit: 5, left: 5},
    tokens: {limit: 100, left: 100},
  });
});

test('of what an hour may cost the last one leaves so much, less what runs', () => {
  const budget = {...UNUSED, limitUsd: null, limitTokens: null, hour: {limitUsd: 2, usedUsd: 0.5}};
  expect(costView({team: 't', budget, costs: costs({...spent, reservedUsd: 0.25})}).budget.hour).toEqual({
    limit: 2,
    left: 1.25,
  });
});
