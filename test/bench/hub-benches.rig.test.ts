import {describe, expect, test} from 'vitest';
import {DialectAgent, OURS} from '../../scripts/bench/hub-dialects.ts';
import {hubRecallBench} from '../../scripts/bench/hub-recall.ts';
import {hubVectorsMillionBench} from '../../scripts/bench/hub-vectors-million.ts';
import type {BenchRow} from '../../scripts/bench/table.ts';
import {HubChild} from '../../scripts/hub-child.ts';

/** Figures, and none that was not measured; a target wherever it is said whether it is met. */
function expectMeasured(rows: readonly BenchRow[]): void {
  for (const row of rows) {
    expect(row.ours).toMatch(/\d/);
    expect(`${row.ours} ${row.anchor} ${row.ratio}`).not.toMatch(/NaN|Infinity|undefined/);
    if (row.met !== null) expect(row.target).toMatch(/\d/);
  }
}

describe('in their small form, benches of the hub measure what they say', () => {
  test('hub-recall: each kind of query, and all of them in turn', async () => {
    const rows = await hubRecallBench.run('small');
    expectMeasured(rows);
    const kinds = rows.map(({what}) => what);
    expect(kinds[0]).toMatch(/all of the kinds/);
    for (const kind of ['rare word', 'ten words', 'common words', '16 KB', 'tag', 'another tenant', 'embedding']) {
      expect(kinds.filter(what => what.includes(kind))).not.toEqual([]);
    }
    const beside = rows.filter(({anchor}) => anchor.startsWith('bare FTS5'));
    expect(beside.length).toBe(rows.length - 2);
  });

  test('hub-vectors-million: two corpora, each in a process of its own', async () => {
    const rows = await hubVectorsMillionBench.run('small');
    expectMeasured(rows);
    expect(rows).toHaveLength(8);
    for (const {what, ours} of rows) {
      if (what.includes('recall@10')) expect(Number(ours)).toBeGreaterThanOrEqual(0.97);
    }
  });
});

test('the agents of hub-peer pull, push and are told at our hub', async () => {
  await using hub = await HubChild.start();
  const join = (agentId: string) => DialectAgent.join(hub.url, {dialect: OURS, tenant: 'bench', agentId});
  const [author, other] = [await join('author'), await join('other')];
  const told = new Promise<void>(resolve => {
    other.onNews = resolve;
  });
  await author.pull();
  await author.push();
  await told;
  const heard = new Promise<void>(resolve => {
    other.onNews = resolve;
  });
  await author.tell();
  await heard;
  author.close();
  other.close();
});
