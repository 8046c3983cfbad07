import {PassThrough} from 'node:stream';
import {expect, test} from 'vitest';
import {costLines} from '../../src/cli/cost-text.ts';
import {Print} from '../../src/cli/print.ts';
import type {CostRow, CostView} from '../../src/model/cost-view.ts';

const stream = new PassThrough() as unknown as NodeJS.WriteStream;
const print = new Print({json: 'none', env: {}, stdout: stream, stderr: stream});

const NONE = {
  attempts: 0,
  running: 0,
  usd: null,
  unpriced: 0,
  uncounted: 0,
  unsettledUsd: 0,
  unsettledTokens: 0,
  reservedUsd: 0,
  reservedTokens: 0,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
};

function row(name: string, changes: Partial<CostRow> = {}): CostRow {
  return {...NONE, attempts: 1, name, ...changes};
}

function view(changes: Partial<CostView> = {}): CostView {
  const empty = {rows: [], omitted: 0};
  const budget = {usd: null, tokens: null};
  return {v: 1, team: 'audit', totals: NONE, budget, byTask: empty, byAgent: empty, byModel: empty, ...changes};
}

test('a team of commands has cost nothing', () => {
  expect(costLines(view(), {by: 'task', print})).toEqual(['Team audit has run no prompts: its commands cost nothing.']);
});

test('what is known, what is not, what is reserved and what is left stand apart', () => {
  const totals = {
    ...NONE,
    attempts: 12,
    running: 2,
    usd: 1.5,
    unpriced: 1,
    uncounted: 2,
    unsettledUsd: 0.25,
    reservedUsd: 0.5,
    inputTokens: 1234567,
    outputTokens: 890,
    cacheReadTokens: 0,
  };
  const budget = {usd: {limit: 50, left: 47.75}, tokens: {limit: 5_000_000, left: 3_000_000}};
  const byModel = {
    rows: [row('claude/haiku', {attempts: 11, usd: 1.5, inputTokens: 5, outputTokens: 6}), row('codex', {unpriced: 1})],
    omitted: 0,
  };
  expect(costLines(view({totals, budget, byModel}), {by: 'model', print})).toEqual([
    'audit  $1.50 and what is unknown for 12 attempts, 2 of them running',
    'tokens    1,234,567 in, 890 out, 0 read from caches, unknown written to them',
    'unknown   what 1 attempt cost; $0.25 was reserved for that and counts as used',
    'unknown   how many tokens 2 attempts used',
    'reserved  $0.50 for what runs',
    'budget    $47.75 of $50.00 left',
    'budget    3,000,000 tokens of 5,000,000 tokens left',
    '',
    'USD      UNKNOWN  ATTEMPTS  IN       OUT      CACHED   MODEL',
    '$1.50    -        11        5        6        unknown  claude/haiku',
    'unknown  1        1         unknown  unknown  unknown  codex',
  ]);
});

test('of many rows the dearest are listed and the others counted', () => {
  const rows = Array.from({length: 80}, (_, index) => row(`t${index}`, {usd: 80 - index}));
  const lines = costLines(view({totals: {...NONE, attempts: 90}, byTask: {rows, omitted: 10}}), {by: 'task', print});
  expect(lines.at(-1)).toBe('… and 40 more that cost less');
  expect(lines.filter(line => line.startsWith('$'))).toHaveLength(50);
});

test('a name cannot steer the terminal', () => {
  const byTask = {rows: [row('a\u001b[2Jb\nc')], omitted: 0};
  const lines = costLines(view({totals: {...NONE, attempts: 1}, byTask}), {by: 'task', print});
  expect(lines.join('|')).not.toContain('\u001b[2J');
});
