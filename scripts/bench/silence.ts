import {mkdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {failureText} from '../../src/model/failure-text.ts';
import {Rig} from '../../test/rig/rig.ts';
import {until} from '../../test/rig/until.ts';
import {type BenchRow, median} from './table.ts';

const TASKS = 20;
const BUDGET_MS = 3000;
const WITHIN_MS = 250;

/** How far from their silence budget real attempts are given up that print once and then do nothing, by real daemon and host. */
export async function silenceRow(): Promise<BenchRow> {
  await using rig = await Rig.create();
  const marks = join(rig.folder, 'marks');
  mkdirSync(marks);
  // The file is made with the last that is heard of the first attempt.
  const task = (index: number) => ({
    run: `echo begun; [ -e marks/${index} ] || : > marks/${index}; exec sleep 600`,
    silence: `${BUDGET_MS / 1000}s`,
  });
  const tasks = Object.fromEntries(Array.from({length: TASKS}, (_, index) => [`t${index}`, task(index)]));
  const {team} = await rig.spawn({count: TASKS, plan: {version: 1, tasks}});
  const judged = await until(
    'all of them are given up',
    async () => {
      const events = await rig.client().events(team, {limit: 1000});
      if (!events.ok) throw new Error(failureText(events.failure));
      const failed = events.value.flatMap(({atMs, body}) =>
        body.type === 'attempt-failed' && body.failure.reason === 'silent'
          ? [{task: body.task, atMs, silentMs: body.failure.silentMs}]
          : [],
      );
      // They are tried again, and are silent again.
      const firsts = failed.filter(({task}, index) => failed.findIndex(other => other.task === task) === index);
      return firsts.length === TASKS ? firsts : null;
    },
    {withinMs: 10 * BUDGET_MS},
  );
  await rig.client().kill(team);
  const offMs = judged.map(({silentMs}) => silentMs - BUDGET_MS);
  const gone = judged.map(({task, atMs}) => atMs - statSync(join(marks, task.slice(1))).mtimeMs - BUDGET_MS);
  const worst = Math.max(...offMs.map(Math.abs));
  return {
    what: `${TASKS} silent attempts judged, from their budget of ${BUDGET_MS / 1000} s, the furthest`,
    ours: `${worst.toFixed(0)} ms`,
    anchor: `stopped and recorded, median ${median(gone).toFixed(0)} ms, longest ${Math.max(...gone).toFixed(0)} ms after it`,
    ratio: '–',
    target: `± ${WITHIN_MS} ms`,
    met: worst <= WITHIN_MS,
  };
}
