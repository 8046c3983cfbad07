import {expect, test} from 'vitest';
import {failoverLoad} from '../../scripts/load/failover.ts';
import type {LoadRow} from '../../scripts/load/load.ts';
import {soak50} from '../../scripts/load/soak.ts';

/** Rows with a count that must be 0 hold at any size and speed; those with times do not. */
function counts(rows: readonly LoadRow[]) {
  const zeros = rows.filter(({target}) => target === '0');
  expect(zeros.length).toBeGreaterThan(1);
  expect(zeros.filter(({met}) => met !== true)).toEqual([]);
}

test('a small soak loses nothing, repeats nothing and leaves nothing', async () => {
  const rows = await soak50.run({seconds: 2, agents: 6});
  counts(rows);
  expect(rows.find(({what}) => what.startsWith('open files of the daemon'))?.met).toBe(true);
});

test('a few kills of agents move their tasks elsewhere', async () => {
  counts(await failoverLoad.run({seconds: 1, agents: 6}));
});
