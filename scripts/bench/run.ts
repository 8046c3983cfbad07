import {readFileSync, writeFileSync} from 'node:fs';
import {cpus, release, totalmem} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {agentsBench} from './agents.ts';
import {balanceBench} from './balance.ts';
import {commandsBench} from './commands.ts';
import {completionsBench} from './completions.ts';
import {engineBench} from './engine.ts';
import {healthBench} from './health.ts';
import {hubClientBench} from './hub-client.ts';
import {hubClocksBench} from './hub-clocks.ts';
import {hubLoadBench} from './hub-load.ts';
import {hubPeerBench} from './hub-peer.ts';
import {hubRecallBench} from './hub-recall.ts';
import {hubSecurityBench} from './hub-security.ts';
import {hubServerBench} from './hub-server.ts';
import {hubStoreBench} from './hub-store.ts';
import {hubVectorsBench} from './hub-vectors.ts';
import {hubVectorsMillionBench} from './hub-vectors-million.ts';
import {idleBench} from './idle.ts';
import {overheadBench} from './overhead.ts';
import {scaleUpBench} from './scale-up.ts';
import {scalingBench} from './scaling.ts';
import {spawningBench} from './spawning.ts';
import {statusBench} from './status.ts';
import {vitalsBench} from './vitals.ts';
import {worktreesBench} from './worktrees.ts';
import {formatPage} from '../format-page.ts';
import {type Bench, markdown} from './table.ts';

const BENCHES: readonly Bench[] = [
  commandsBench,
  engineBench,
  completionsBench,
  spawningBench,
  idleBench,
  statusBench,
  agentsBench,
  worktreesBench,
  vitalsBench,
  scalingBench,
  scaleUpBench,
  balanceBench,
  healthBench,
  overheadBench,
  hubClocksBench,
  hubVectorsBench,
  hubVectorsMillionBench,
  hubRecallBench,
  hubStoreBench,
  hubServerBench,
  hubLoadBench,
  hubSecurityBench,
  hubClientBench,
  hubPeerBench,
];
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'benchmarks.md');

/**
 * Runs all benchmarks but the long ones, or those named, one after the other. All of them together rewrite docs/benchmarks.md; with `--record`
 * those that are named rewrite their own sections of it. `--small` runs them in a small form where they have one, and records nothing.
 */
const {positionals, values} = parseArgs({
  allowPositionals: true,
  options: {record: {type: 'boolean'}, small: {type: 'boolean', default: false}},
});
const chosen =
  positionals.length === 0
    ? BENCHES.filter(({isLong = false}) => !isLong)
    : BENCHES.filter(({name}) => positionals.includes(name));
if (chosen.length === 0) throw new Error(`no such benchmark; there are ${BENCHES.map(({name}) => name).join(', ')}`);
const sections: string[] = [];
for (const bench of chosen) {
  console.error(`${bench.name} …`);
  const table = markdown(await bench.run(values.small ? 'small' : 'full'));
  const section = `## ${bench.title}\n\n\`npm run bench -- ${bench.name}\`\n\n${table}\n`;
  console.log(section);
  sections.push(section);
  if (values.record && !values.small && positionals.length > 0)
    replaceSection(bench.title, `${section}\nMeasured on: ${machine()}\n`);
}
if (positionals.length === 0 && !values.small) writePage(sections);

function machine(): string {
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}; load average after the run ${load}; ${new Date().toISOString().slice(0, 10)}.`;
}

/** The section of this title as it was measured now; at the end of the page when it has none. */
function replaceSection(title: string, section: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const parts = page.split(/^(?=## )/m);
  const index = parts.findIndex(part => part.startsWith(`## ${title}\n`));
  if (index < 0) parts.push(`${section}\n`);
  else parts[index] = `${section}\n`;
  writeFileSync(PAGE, `${parts.map(part => part.trimEnd()).join('\n\n')}\n`);
  formatPage(PAGE);
}

function writePage(tables: readonly string[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const [head = '', ...rest] = page.split('<!-- tables -->');
  const long = BENCHES.filter(({isLong = false}) => isLong).map(({title}) => `## ${title}\n`);
  // What was not run now stays as it was measured.
  const kept = rest
    .join('')
    .split(/^(?=## )/m)
    .filter(part => long.some(title => part.startsWith(title)));
  const sections = [...tables, ...kept.map(part => `${part.trimEnd()}\n`)];
  writeFileSync(PAGE, `${head}<!-- tables -->\n\nMachine: ${machine()}\n\n${sections.join('\n')}`);
  formatPage(PAGE);
}
