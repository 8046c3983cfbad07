import {describe, expect, it} from 'vitest';
import {cliFolder, cliOrWhyNot} from '../model-server/installed-clis.ts';
import {editMany, type EditManyReport, hardTask, ONE_IN_TEN} from './edit-many.ts';

const WITHIN_MS = 200_000;

describe('a team of real coding agents, a tenth of whose requests fail', {timeout: 300_000}, () => {
  it.skipIf(cliFolder('pi') === null)(`merges the work of six (${cliOrWhyNot('pi')})`, async () => {
    const report = await editMany({
      cli: 'pi',
      agents: 6,
      files: 8,
      faults: ONE_IN_TEN,
      taskFor: hardTask({timeout: '20s', throttled: 6}),
      withinMs: WITHIN_MS,
    });
    expectAllDone(report, 8);
    expect(report.ledger.bill().faults).toMatchObject({hang: 1, refusal: 1});
  });

  it.skipIf(cliFolder('claude') === null)(`merges the work of three (${cliOrWhyNot('claude')})`, async () => {
    expectAllDone(await editMany({cli: 'claude', agents: 3, files: 4, faults: ONE_IN_TEN, withinMs: WITHIN_MS}), 4);
  });
});

function expectAllDone(report: EditManyReport, files: number): void {
  const {view, ledger} = report;
  expect(view.failures).toEqual([]);
  expect(view).toMatchObject({outcome: 'ok', tasks: {total: files, succeeded: files}});
  expect(report.edits).toBe(files);
  expect(report.commits).toHaveLength(files);
  expect(view.usage.usd).toBeCloseTo(ledger.bill().usd, 6);
  expect(Object.keys(ledger.bill().faults)).not.toEqual([]);
  expect(report.checkoutUntouched).toBe(true);
  expect(report.processes).toEqual([]);
  expect(report.worktrees).toBe(1);
  expect(report.worktreeFolders).toEqual([]);
}
