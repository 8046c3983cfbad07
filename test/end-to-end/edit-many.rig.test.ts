import {describe, expect, it} from 'vitest';
import {cliFolder, cliOrWhyNot} from '../model-server/installed-clis.ts';
import {BROKEN_FAULTS, editMany, type EditManyReport, oneInTen, WHOLE_FAULTS} from './edit-many.ts';

const WITHIN_MS = 100_000;

describe('a team of real coding agents, a tenth of whose requests fail', () => {
  it.skipIf(cliFolder('pi') === null)(`merges the work of six (${cliOrWhyNot('pi')})`, async () => {
    const faults = oneInTen([...WHOLE_FAULTS, ...BROKEN_FAULTS]);
    expectAllDone(await editMany({cli: 'pi', agents: 6, files: 8, faults, withinMs: WITHIN_MS}), 8);
  });

  it.skipIf(cliFolder('claude') === null)(`merges the work of three (${cliOrWhyNot('claude')})`, async () => {
    const faults = oneInTen(WHOLE_FAULTS);
    expectAllDone(await editMany({cli: 'claude', agents: 3, files: 4, faults, withinMs: WITHIN_MS}), 4);
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
