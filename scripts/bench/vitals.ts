import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {sleep} from '../../src/base/clock.ts';
import {ProcessTrees} from '../../src/os/process-trees.ts';
import {HostRig, LIMITS} from '../../test/host/host-rig.ts';
import {until} from '../../test/rig/until.ts';
import {cpuSecondsOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const LOOKS = 30;
const WATCH_MS = 20_000;

/** What it costs to look after the processes of 200 and 1,000 attempts that only sleep. */
export const vitalsBench: Bench = {
  name: 'vitals',
  title: 'Looking after the processes of attempts',
  run: async () => {
    const rows: BenchRow[] = [];
    const none = await hostShare(0);
    for (const count of [200, 1000]) {
      const {lookMs, psMs} = await costOfLook(count);
      rows.push({
        what: `one look at ${count} processes`,
        ours: `${lookMs.toFixed(1)} ms of CPU`,
        anchor: `\`ps -A\` ${psMs.toFixed(1)} ms`,
        ratio: `${(lookMs / psMs).toFixed(2)}×`,
        target: '–',
        met: null,
      });
      const share = await hostShare(count);
      rows.push({
        what: `a host with ${count} sleeping attempts: looks, beats and vitals`,
        ours: `${(share * 100).toFixed(2)} % of a core`,
        anchor: `without attempts ${(none * 100).toFixed(2)} %`,
        ratio: '–',
        target: '≤ 3 %',
        met: share <= 0.03,
      });
    }
    return rows;
  },
};

async function costOfLook(count: number): Promise<{lookMs: number; psMs: number}> {
  const trees = new ProcessTrees();
  const children = Array.from({length: count}, () => spawn('sleep', ['600'], {detached: true, stdio: 'ignore'}));
  children.forEach(({pid}, index) => pid !== undefined && trees.follow(`bench.${index}`, pid));
  trees.look();
  const looks = Array.from({length: LOOKS}, () => {
    const before = process.cpuUsage();
    trees.look();
    const {user, system} = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  const ps: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const startedMs = performance.now();
    await once(spawn('ps', ['-A', '-o', 'pid=,ppid=,pgid=,state=,time=,rss='], {stdio: 'ignore'}), 'exit');
    ps.push(performance.now() - startedMs);
  }
  await Promise.all(children.map(endOf));
  return {lookMs: median(looks), psMs: median(ps)};
}

async function endOf(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function hostShare(count: number): Promise<number> {
  await using rig = await HostRig.start({limits: {...LIMITS, spawnConcurrency: 8}});
  const attempts = Array.from({length: count}, (_, index) => index + 1);
  rig.assign(...attempts.map(attempt => rig.order(attempt, 'exec sleep 600')));
  await until('all of them run', () => attempts.every(attempt => rig.daemon.vitals(attempt)), {withinMs: 120_000});
  await sleep(5000);
  const before = cpuSecondsOf(rig.pid);
  await sleep(WATCH_MS);
  return (cpuSecondsOf(rig.pid) - before) / (WATCH_MS / 1000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await vitalsBench.run());
