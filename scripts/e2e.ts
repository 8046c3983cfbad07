/**
 * `npm run e2e`: 50 agents on the real pi and 8 on the real claude change a file each of a generated repository while a
 * tenth of their requests fail; writes what has come of it into docs/proof.md.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {cpus, release, totalmem} from 'node:os';
import {join} from 'node:path';
import {editMany, type EditManyReport, editTask, hardTask, ONE_IN_TEN} from '../test/end-to-end/edit-many.ts';
import type {Cli} from '../test/model-server/cli-set-up.ts';
import {cliFolder, cliOrWhyNot} from '../test/model-server/installed-clis.ts';
import {formatPage} from './format-page.ts';

const PAGE = join(import.meta.dirname, '..', 'docs', 'proof.md');
const WITHIN_MS = 15 * 60_000;
const RUNS = [
  {cli: 'pi', agents: 50, taskFor: hardTask({timeout: '40s', throttled: 13})},
  {cli: 'claude', agents: 8, taskFor: editTask},
] as const;

const columns: (readonly (readonly [string, string])[])[] = [];
const wrong: string[] = [];
for (const {cli, agents, taskFor} of RUNS) {
  if (cliFolder(cli) === null) throw new Error(cliOrWhyNot(cli));
  console.error(`${agents} agents on ${cliOrWhyNot(cli)} …`);
  const report = await editMany({
    cli,
    agents,
    files: agents,
    faults: ONE_IN_TEN,
    taskFor,
    latencyMs: 1000,
    withinMs: WITHIN_MS,
  });
  wrong.push(...wrongIn(report, agents).map(what => `${cli}: ${what}`));
  const column = columnOf(cli, agents, report);
  for (const [what, figure] of column) console.log(`${what}: ${figure}`);
  columns.push(column);
}
if (wrong.length === 0) writePage();
for (const what of wrong) console.error(what);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** What the proof claims and this run does not show. */
function wrongIn(report: EditManyReport, files: number): string[] {
  const {view, ledger} = report;
  const claims = {
    'a task did not succeed': view.outcome === 'ok' && view.tasks.succeeded === files,
    'an edit is missing on the merged branch': report.edits === files,
    'the branch has not one commit for each task': report.commits.length === files,
    'the cost is not what the server billed': Math.abs((view.usage.usd ?? 0) - ledger.bill().usd) < 0.000_001,
    'no fault was met': Object.keys(ledger.bill().faults).length > 0,
    'the checkout was touched': report.checkoutUntouched,
    [`a process was left: ${report.processes.join(', ')}`]: report.processes.length === 0,
    [`a worktree was left: ${report.worktreeFolders.join(', ')}`]:
      report.worktrees === 1 && report.worktreeFolders.length === 0,
  };
  const failures = view.failures.map(({task, text}) => `${task}: ${text}`);
  return [...Object.entries(claims).flatMap(([what, holds]) => (holds ? [] : [what])), ...failures];
}

function columnOf(cli: Cli, agents: number, report: EditManyReport): readonly (readonly [string, string])[] {
  const {view, ledger, memory} = report;
  const bill = ledger.bill();
  const faults = Object.entries(bill.faults).map(([kind, times]) => `${times} ${kind}`);
  const percent = (share: number): string => `${(share * 100).toFixed(0)}%`;
  return [
    ['agents', `${agents} × ${cliOrWhyNot(cli)}`],
    ['requests that the server got', String(bill.requests)],
    [
      'of these with a fault',
      `${Object.values(bill.faults).reduce((sum, times) => sum + times, 0)} (${faults.join(', ')})`,
    ],
    ['tasks that succeeded', `${view.tasks.succeeded} of ${view.tasks.total}`],
    ['attempts', String(view.attempts)],
    ['edits on the merged branch', `${report.edits} of ${agents}`],
    ['commits on the merged branch', String(report.commits.length)],
    ['billed by the server', `$${bill.usd.toFixed(6)}`],
    ['accounted by godel', `$${(view.usage.usd ?? Number.NaN).toFixed(6)}`],
    ['mean cost of a task', `$${(bill.usd / agents).toFixed(4)}`],
    ['processes left', String(report.processes.length)],
    ['worktrees left', String(report.worktrees - 1 + report.worktreeFolders.length)],
    ['peak memory of the CLIs (PSS)', megabytes(memory.agents)],
    [
      'peak memory of godel’s own processes (PSS)',
      `${megabytes(memory.godel)} (${percent(memory.godel / memory.agents)})`,
    ],
    ['time', `${(report.tookMs / 1000).toFixed(0)} s`],
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function writePage(): void {
  const [head = ''] = readFileSync(PAGE, 'utf8').split('<!-- table -->');
  const [first = [], ...others] = columns;
  const rows = first.map(([what, figure], at) => [what, figure, ...others.map(column => column[at]?.[1] ?? '')]);
  const table = [['', ...RUNS.map(({cli}) => cli)], rows[0]?.map(() => '---') ?? [], ...rows];
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}; ${new Date().toISOString().slice(0, 10)}.`;
  writeFileSync(
    PAGE,
    `${head}<!-- table -->\n\nMachine: ${machine}\n\n${table.map(row => `| ${row.join(' | ')} |`).join('\n')}\n`,
  );
  formatPage(PAGE);
}
