import {parseArgs} from 'node:util';
import {recordRows} from '../reliability-table.ts';
import {chaosLoad} from './chaos.ts';
import {cyclesLoad} from './cycles.ts';
import {failoverLoad} from './failover.ts';
import type {Load} from './load.ts';
import {soak50, stress100} from './soak.ts';

const LOADS: readonly Load[] = [soak50, stress100, cyclesLoad, failoverLoad, chaosLoad];

const {positionals, values} = parseArgs({
  allowPositionals: true,
  options: {
    seconds: {type: 'string'},
    agents: {type: 'string'},
    /** Write the tables to docs/reliability.md. */
    record: {type: 'boolean', default: false},
  },
});
const names = LOADS.map(({name}) => name).join(' | ');
const unknown = positionals.find(word => !LOADS.some(({name}) => name === word));
if (unknown !== undefined || positionals.length === 0) {
  const complaint = unknown === undefined ? '' : `there is no load ${unknown}\n`;
  console.error(`${complaint}npm run load -- ${names} [--seconds N] [--agents N] [--record]`);
  process.exit(2);
}
for (const load of LOADS.filter(({name}) => positionals.includes(name))) {
  console.error(`${load.name}: ${load.title} …`);
  const rows = await load.run({
    ...(values.seconds !== undefined && {seconds: Number(values.seconds)}),
    ...(values.agents !== undefined && {agents: Number(values.agents)}),
  });
  console.table(rows.map(({met, ...row}) => ({...row, met: met === null ? '–' : met ? 'yes' : 'NO'})));
  if (rows.some(({met}) => met === false)) process.exitCode = 1;
  if (values.record) recordRows(`load-${load.name}`, rows);
}
