import {parseArgs} from 'node:util';
import {chaosRound, type ChaosReport} from '../test/chaos/chaos-round.ts';

const {values} = parseArgs({options: {rounds: {type: 'string', default: '50'}, from: {type: 'string', default: '1'}}});
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
console.log(
  `\n| rounds | passed | daemon kills | host kills | attempt kills | CLI kills | attempts | lost with their host |`,
);
console.log('|---|---|---|---|---|---|---|---|');
const killed = (['daemon', 'host', 'attempt', 'cli'] as const).map(target => sum(report => report.kills[target]));
console.log(
  `| ${values.rounds} | ${reports.length} | ${killed.join(' | ')} | ${sum(report => report.attempts)} | ${sum(report => report.lost)} |`,
);
