import {fileURLToPath} from 'node:url';
import {sleep} from '../../src/base/clock.ts';
import {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {until} from '../../test/rig/until.ts';
import {cpuSecondsOf, pssOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const WATCH_MS = 15_000;
const RUNS = 3;

interface Cost {
  readonly cpuShare: number;
  readonly ownBytes: number;
  readonly childBytes: number;
}

/** What 50 and 200 tasks that only sleep cost daemon and host, beyond the sleeping processes themselves. */
export const idleBench: Bench = {
  name: 'idle',
  title: 'Running tasks that do nothing',
  run: async () => {
    const rows: BenchRow[] = [];
    const none = await costs(0);
    for (const count of [50, 200]) {
      const {cpuShare, ownBytes, childBytes} = await costs(count);
      const perTask = (ownBytes - none.ownBytes) / count;
      rows.push(
        {
          what: `CPU of daemon and host, ${count} sleeping tasks`,
          ours: `${(cpuShare * 100).toFixed(2)} % of a core`,
          anchor: `no task ${(none.cpuShare * 100).toFixed(2)} %`,
          ratio: '–',
          target: '≤ 1 %',
          met: cpuShare <= 0.01,
        },
        {
          what: `memory per task beyond its process, ${count} tasks (PSS)`,
          ours: `${(perTask / 1e6).toFixed(3)} MB`,
          anchor: `its process ${(childBytes / 1e6).toFixed(2)} MB`,
          ratio: `${(perTask / childBytes).toFixed(2)}×`,
          target: '≤ 0.5 MB',
          met: perTask <= 500_000,
        },
      );
    }
    return rows;
  },
};

async function costs(count: number): Promise<Cost> {
  const runs: Cost[] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await cost(count));
  return {
    cpuShare: median(runs.map(one => one.cpuShare)),
    ownBytes: median(runs.map(one => one.ownBytes)),
    childBytes: median(runs.map(one => one.childBytes)),
  };
}

async function cost(count: number): Promise<Cost> {
  await using rig = await Rig.create();
  const tasks = Object.fromEntries(Array.from({length: Math.max(count, 1)}, (_, i) => [`t${i}`, {run: 'sleep 600'}]));
  const {team} = await rig.spawn({count: Math.max(count, 1), ...(count === 0 ? {} : {plan: {version: 1, tasks}})});
  await until('all tasks run', async () => {
    const view = await rig.client().team(team);
    return view.ok && view.value.agents.ready === Math.max(count, 1) && view.value.tasks.running === count;
  });
  const own = processesOf(rig.root).filter(({command}) => /dist\/(daemon|host)\.js/.test(command));
  const sleepers = await until('all processes run', () => {
    const found = processesOf(rig.root).filter(({command}) => command.startsWith('sleep '));
    return found.length === count ? found : null;
  });
  // Starting 200 tasks leaves work behind for a moment; what is measured is the steady state.
  await sleep(3000);
  const before = own.map(({pid}) => cpuSecondsOf(pid));
  await sleep(WATCH_MS);
  const spent = own.reduce((sum, {pid}, index) => sum + cpuSecondsOf(pid) - (before[index] ?? 0), 0);
  return {
    cpuShare: spent / (WATCH_MS / 1000),
    ownBytes: own.reduce((sum, {pid}) => sum + pssOf(pid), 0),
    childBytes: sleepers.length === 0 ? 0 : sleepers.reduce((sum, {pid}) => sum + pssOf(pid), 0) / sleepers.length,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await idleBench.run());
