import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Rig} from '../../test/rig/rig.ts';
import {until} from '../../test/rig/until.ts';
import {type Bench, median} from './table.ts';

const TASKS = 10_000;
const RUNS = 11;

/** `team status --json` from the shell while a team of 10,000 tasks runs. */
export const statusBench: Bench = {
  name: 'status',
  title: '`team status --json`, warm, a team of 10,000 tasks',
  run: async () => {
    await using rig = await Rig.create();
    const tasks = Object.fromEntries(Array.from({length: TASKS}, (_, index) => [`t${index}`, {run: 'sleep 600'}]));
    const {team} = await rig.spawn({count: 50, plan: {version: 1, tasks}});
    await until('50 tasks run', async () => {
      const view = await rig.client().team(team);
      return view.ok && view.value.tasks.running === 50;
    });
    const ours: number[] = [];
    const node: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const started = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      const between = performance.now();
      const {code, stderr} = await rig.godel(['team', 'status', '--json']);
      ours.push(performance.now() - between);
      node.push(between - started);
      if (code !== 0) throw new Error(stderr);
    }
    const ratio = median(ours) / median(node);
    return [
      {
        what: '`godel team status --json`',
        ours: `${Math.round(median(ours))} ms`,
        anchor: `\`node -e 0\` ${Math.round(median(node))} ms`,
        ratio: `${ratio.toFixed(1)}×`,
        target: '≤ 4×',
        met: ratio <= 4,
      },
    ];
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await statusBench.run());
