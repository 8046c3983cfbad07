import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Rig} from '../../test/rig/rig.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const TASKS = 1000;
const WIDTH = 50;
const RUNS = 5;

/**
 * 1,000 times `true`, 50 at a time: godel with a warm daemon and host, from the request to the last durable result,
 * beside the tools that only start processes. All in one run, interleaved.
 */
export const commandsBench: Bench = {
  name: 'commands',
  title: '1,000 trivial commands, 50 at a time',
  run: async () => {
    await using rig = await Rig.create();
    const times = {godel: [] as number[], loop: [] as number[], xargs: [] as number[], make: [] as number[]};
    await godelMs(rig, 'warm-up');
    for (let run = 0; run < RUNS; run += 1) {
      times.loop.push(loopMs());
      times.godel.push(await godelMs(rig, `run-${run}`));
      times.xargs.push(shellMs(rig, `seq ${TASKS} | xargs -P${WIDTH} -n1 true`));
      times.make.push(shellMs(rig, makeCommand));
    }
    const ours = median(times.godel);
    const row = (what: keyof typeof times, name: string, limit: number | null): BenchRow => {
      const anchor = median(times[what]);
      const ratio = ours / anchor;
      return {
        what: `godel against ${name}`,
        ours: `${Math.round(ours)} ms`,
        anchor: `${Math.round(anchor)} ms`,
        ratio: `${ratio.toFixed(2)}×`,
        target: limit === null ? 'stretch: ≤ 1.2×' : `≤ ${limit}×`,
        met: limit === null ? null : ratio <= limit,
      };
    };
    return [
      row('loop', 'a bare `child_process.spawn` loop', 1.2),
      row('xargs', '`xargs -P50`', null),
      row('make', '`make -j50`', null),
    ];
  },
};

async function godelMs(rig: Rig, name: string): Promise<number> {
  const tasks = Object.fromEntries(Array.from({length: TASKS}, (_, index) => [`t${index}`, {run: 'true'}]));
  const plan = {version: 1, name, tasks};
  const started = performance.now();
  const {team} = await rig.spawn({count: WIDTH, plan, name});
  const view = await rig.waitFor(team);
  const tookMs = performance.now() - started;
  if (view.tasks.succeeded !== TASKS) throw new Error(`only ${view.tasks.succeeded} tasks succeeded`);
  return tookMs;
}

/** In a process of its own, which is as small as a loop that does nothing else would be. */
function loopMs(): number {
  const child = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'spawn-loop.mjs'), String(TASKS), String(WIDTH)],
    {
      encoding: 'utf8',
    },
  );
  if (child.status !== 0) throw new Error(child.stderr);
  return Number(child.stdout);
}

const makeCommand = `{ printf 'all:'; seq -f ' t%g' ${TASKS} | tr -d '\\n'; printf '\\n'; seq -f 't%g: ; @true' ${TASKS}; } > many.mk && make -s -j${WIDTH} -f many.mk all`;

function shellMs(rig: Rig, command: string): number {
  const started = performance.now();
  const {status, stderr} = spawnSync('sh', ['-c', command], {cwd: rig.folder, encoding: 'utf8'});
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await commandsBench.run());
