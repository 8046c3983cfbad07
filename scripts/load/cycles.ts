import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TeamView} from '../../src/model/team-view.ts';
import {Rig} from '../../test/rig/rig.ts';
import {until} from '../../test/rig/until.ts';
import {judge, ledgerOf} from './judge.ts';
import {type Load, type LoadRow, fact, none, percentile} from './load.ts';
import {numbers, written} from './mixed-plan.ts';
import {descriptorRow, programOf, warmUp} from './programs.ts';

const CYCLES = 50;
const FEW = 5;
/** Up by so many: what docs/benchmarks.md has a target for. */
const MORE = 45;
const UP_MS = 1000;
const SCALE_WITHIN_MS = 60_000;
const TASKS_PER_CYCLE = 60;

/** Up to 50 agents and down to 5 again and again, while there is work all the time; `seconds`: fewer cycles, about two seconds each. */
export const cyclesLoad: Load = {
  name: 'cycles',
  title: '50 times up and down',
  run: async ({seconds = Infinity, agents = FEW + MORE}) => {
    const env = {GODEL_RETRY_BASE: '50ms', GODEL_MAX_RUNNING: String(agents)};
    await using rig = await Rig.create({env});
    await warmUp(rig);
    const before = {daemon: programOf(rig, 'daemon'), host: programOf(rig, 'host')};
    const most = CYCLES * TASKS_PER_CYCLE;
    const cycles = Math.min(CYCLES, Math.max(2, Math.floor(seconds / 2)));
    const items = numbers(Math.round((most * cycles) / CYCLES));
    // It holds the team together when all else is done.
    const gate = {run: written('while [ ! -e open ]; do sleep 0.2; done'), priority: 1000};
    const plan = {version: 1, name: 'cycles', tasks: {gate, work: {foreach: items, run: written('sleep 0.5')}}};
    await rig.spawn({count: FEW, plan, env: {...rig.env, LEDGER: ledgerOf(rig)}});
    await settled(rig, FEW);
    const upMs: number[] = [];
    const downMs: number[] = [];
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      upMs.push(await scaled(rig, agents));
      downMs.push(await scaled(rig, FEW));
    }
    await scaled(rig, agents);
    writeFileSync(join(rig.folder, 'open'), '');
    const view = await rig.waitFor('cycles', {withinMs: SCALE_WITHIN_MS + items.length * 1000});
    const open = [
      await descriptorRow(rig, 'daemon', before.daemon.sample),
      await descriptorRow(rig, 'host', before.host.sample),
    ];
    return [
      fact('cycles', cycles),
      ...timeRows(`from ${FEW} to ${agents} agents, all ready`, upMs, UP_MS),
      ...timeRows(`from ${agents} to ${FEW} agents, the others done with their tasks`, downMs, null),
      none('failed attempts', view.retries),
      ...(await judge(rig, items.length + 1)),
      ...open,
    ];
  },
};

/** Scales the team and returns how long it took. */
async function scaled(rig: Rig, count: number): Promise<number> {
  const startedMs = performance.now();
  const answer = await rig.client().scale('cycles', {count});
  if (!answer.ok) throw new Error(`the team was not scaled: ${answer.failure.reason}`);
  await settled(rig, count);
  return performance.now() - startedMs;
}

function settled(rig: Rig, count: number): Promise<TeamView> {
  return until(
    `there are ${count} agents`,
    async () => {
      const view = await rig.client().team('cycles');
      if (!view.ok) throw new Error(view.failure.reason);
      const {requested, ready, starting} = view.value.agents;
      const isThere = requested === count && ready === count && starting === 0;
      // Agents that are to go are gone when they are done with their tasks.
      return isThere && view.value.running.length <= count ? view.value : null;
    },
    {withinMs: SCALE_WITHIN_MS},
  );
}

function timeRows(what: string, values: readonly number[], targetMs: number | null): readonly LoadRow[] {
  const row = (share: number, name: string): LoadRow => {
    const ms = percentile(values, share);
    const target = targetMs === null ? '–' : `≤ ${targetMs} ms`;
    return {
      what: `${what}, ${name}`,
      measured: `${Math.round(ms)} ms`,
      target,
      met: targetMs === null ? null : ms <= targetMs,
    };
  };
  return [row(0.5, 'p50'), row(0.99, 'p99')];
}
