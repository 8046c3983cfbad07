import {parseArgs} from 'node:util';
import {recordTable} from './reliability-table.ts';
import {chaosRound, type ChaosReport} from '../test/chaos/chaos-round.ts';

const {values} = parseArgs({
  options: {
    rounds: {type: 'string', default: '50'},
    from: {type: 'string', default: '1'},
    /** Write the result to docs/reliability.md. */
    record: {type: 'boolean', default: false},
  },
});
const first = Number(values.from);
const reports: ChaosReport[] = [];
for (let seed = first; seed < first + Number(values.rounds); seed += 1) {
  try {
    const report = await chaosRound(seed);
    reports.push(report);
    const {kills, attempts, lost, durationMs} = report;
    console.log(
      `seed ${seed}: ${JSON.stringify(kills)}, ${attempts} attempts, ${lost} lost, ${Math.round(durationMs)} ms`,
    );
  } catch (error) {
    console.error(`seed ${seed} FAILED (npm run chaos -- --rounds 1 --from ${seed})`, error);
    process.exitCode = 1;
  }
}
const sum = (pick: (report: ChaosReport) => number) => reports.reduce((total, report) => total + pick(report), 0);
const kills = (target: keyof ChaosReport['kills']) => sum(report => report.kills[target]);
const row = {
  rounds: Number(values.rounds),
  passed: reports.length,
  'daemon kills': kills('daemon'),
  'host kills': kills('host'),
  'command kills': kills('attempt'),
  'CLI kills': kills('cli'),
  attempts: sum(report => report.attempts),
  'lost with their host': sum(report => report.lost),
  'run again after being recorded as finished': 0,
  'processes left': 0,
};
console.table(row);
// The two zeros are what a round that passed has checked; with a round that failed there is nothing to record.
if (values.record && reports.length === row.rounds) recordTable('chaos', row);
