import {parseArgs} from 'node:util';
import {recordTable} from './reliability-table.ts';
import {chaosRound, type ChaosReport} from '../test/chaos/chaos-round.ts';
import {worktreeRound, type WorktreeReport} from '../test/chaos/worktree-round.ts';

const {values} = parseArgs({
  options: {
    rounds: {type: 'string', default: '50'},
    from: {type: 'string', default: '1'},
    /** Rounds of work in git worktrees instead of commands in place. */
    worktrees: {type: 'boolean', default: false},
    /** Write the result to docs/reliability.md. */
    record: {type: 'boolean', default: false},
  },
});
const first = Number(values.from);
const rounds = Number(values.rounds);

if (values.worktrees) {
  const reports = await run(worktreeRound, '--worktrees ');
  const row = {
    rounds,
    passed: reports.length,
    ...killsOf(reports, {daemon: 'daemon', host: 'host', agent: 'agent', git: 'git', verify: 'verify'}),
    attempts: sum(reports, ({attempts}) => attempts),
    edits: sum(reports, ({edits}) => edits),
    'edits lost': 0,
    'merged twice': 0,
    'worktrees or locks left': 0,
  };
  finish('worktree-chaos', row);
} else {
  const reports = await run(chaosRound, '');
  const row = {
    rounds,
    passed: reports.length,
    ...killsOf(reports, {daemon: 'daemon', host: 'host', attempt: 'command', cli: 'CLI'}),
    attempts: sum(reports, ({attempts}) => attempts),
    'lost with their host': sum(reports, ({lost}) => lost),
    'run again after being recorded as finished': 0,
    'processes left': 0,
  };
  finish('chaos', row);
}

async function run<T extends ChaosReport | WorktreeReport>(
  round: (seed: number) => Promise<T>,
  option: string,
): Promise<readonly T[]> {
  const reports: T[] = [];
  for (let seed = first; seed < first + rounds; seed += 1) {
    try {
      const report = await round(seed);
      reports.push(report);
      const {kills, durationMs, ...rest} = report;
      console.log(`${JSON.stringify({...rest, ...kills})}, ${Math.round(durationMs)} ms`);
    } catch (error) {
      console.error(`seed ${seed} FAILED (npm run chaos -- ${option}--rounds 1 --from ${seed})`, error);
      process.exitCode = 1;
    }
  }
  return reports;
}

function sum<T>(reports: readonly T[], pick: (report: T) => number): number {
  return reports.reduce((total, report) => total + pick(report), 0);
}

/** How often each was killed, under the name that people know it by. */
function killsOf<K extends string>(
  reports: readonly {readonly kills: Readonly<Record<K, number>>}[],
  names: Readonly<Record<K, string>>,
): Record<string, number> {
  const targets = Object.keys(names) as K[];
  return Object.fromEntries(
    targets.map(target => [`${names[target]} kills`, sum(reports, ({kills}) => kills[target])]),
  );
}

/** The zeros are what a round that passed has checked; with a round that failed there is nothing to record. */
function finish(table: string, row: Readonly<Record<string, number>>): void {
  console.table(row);
  if (values.record && row['passed'] === rounds) recordTable(table, row);
}
