import {spawn, spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {pssOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const RUNS = 7;
const COUNT = '50';

/** `team spawn --count 50 --detach` from the shell until it says that the agents are ready, with and without a daemon. */
export const spawningBench: Bench = {
  name: 'spawning',
  title: '50 agents ready, and the memory of godel’s own processes',
  run: async () => {
    const cold: number[] = [];
    const warm: number[] = [];
    const node: number[] = [];
    const children: number[] = [];
    const pss: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      node.push(nodeMs());
      children.push(await childrenMs());
      await using rig = await Rig.create();
      cold.push(await spawnMs(rig, 'cold'));
      warm.push(await spawnMs(rig, 'warm'));
      pss.push(processesOf(rig.root).reduce((sum, {pid}) => sum + pssOf(pid), 0));
    }
    const row = (what: string, ours: number, anchor: number, name: string, limit: string, met: boolean): BenchRow => ({
      what,
      ours: `${Math.round(ours)} ms`,
      anchor: `${name} ${Math.round(anchor)} ms`,
      ratio: `${(ours / anchor).toFixed(1)}×`,
      target: limit,
      met,
    });
    const [coldMs, warmMs, nodeStartMs, childrenStartMs] = [cold, warm, node, children].map(median) as [
      number,
      number,
      number,
      number,
    ];
    const memory = median(pss);
    return [
      row('no daemon yet → 50 ready', coldMs, nodeStartMs, '`node -e 0`', '≤ 1,000 ms, quiet', coldMs <= 1000),
      row('no daemon yet → 50 ready', coldMs, childrenStartMs, '50 bare node children', '–', coldMs <= childrenStartMs),
      row('daemon running → 50 ready', warmMs, nodeStartMs, '`node -e 0`', '≤ 300 ms, quiet', warmMs <= 300),
      {
        what: 'memory of daemon and host, 50 idle agents (PSS)',
        ours: `${(memory / 1e6).toFixed(0)} MB`,
        anchor: '–',
        ratio: '–',
        target: '≤ 250 MB',
        met: memory <= 250e6,
      },
    ];
  },
};

function nodeMs(): number {
  const started = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - started;
}

/** What 50 agents would cost as processes of their own: until each of them has said a word. */
async function childrenMs(): Promise<number> {
  const started = performance.now();
  const children = Array.from({length: Number(COUNT)}, () =>
    spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  await Promise.all(children.map(child => new Promise(resolve => child.stdout.once('data', resolve))));
  const tookMs = performance.now() - started;
  await Promise.all(children.map(child => new Promise(resolve => child.once('exit', resolve).kill('SIGKILL'))));
  return tookMs;
}

async function spawnMs(rig: Rig, name: string): Promise<number> {
  const started = performance.now();
  const {code, stdout, stderr} = await rig.godel([
    'team',
    'spawn',
    '--count',
    COUNT,
    '--name',
    name,
    '--detach',
    '--json',
  ]);
  const tookMs = performance.now() - started;
  if (code !== 0) throw new Error(stderr);
  const {agents} = JSON.parse(stdout) as {agents: {ready: number}};
  if (agents.ready !== Number(COUNT)) throw new Error(`only ${agents.ready} agents were ready`);
  return tookMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await spawningBench.run());
