import {sleep} from '../../src/base/clock.ts';
import {seededRandom} from '../../src/base/random.ts';
import type {TracedEvent} from '../../src/model/event.ts';
import {Rig} from '../../test/rig/rig.ts';
import {until} from '../../test/rig/until.ts';
import {ledgerLines, ledgerOf} from './judge.ts';
import {type Load, type LoadRow, fact, none, percentile} from './load.ts';

const SEED = 1;
const BETWEEN_KILLS_MS = 200;
const NOTICED_MS = 100;
const ELSEWHERE_MS = 300;
/** Also the longest: the same task is killed several times, and the growing delay is no time of ours. */
const RETRY_MS = 10;

/** Each attempt says who and when it is, by the clock that the events are written by, and then waits to be killed. */
const TASK =
  'echo "start $GODEL_COOKIE $GODEL_TASK_ID $GODEL_AGENT_ID $$ $(date +%s%3N)" >> "$LEDGER"; exec sleep 100000';

interface Start {
  readonly attempt: number;
  readonly task: string;
  readonly agent: string;
  readonly pid: number;
  readonly atMs: number;
}

/** Kills the process of one working agent after the other, and follows its task until it runs again. */
export const failoverLoad: Load = {
  name: 'failover',
  title: 'An agent’s process is killed',
  run: async ({seconds = 60, agents = 50}) => {
    await using rig = await Rig.create({
      env: {
        GODEL_RETRY_BASE: `${RETRY_MS}ms`,
        GODEL_RETRY_MAX: `${RETRY_MS}ms`,
        GODEL_MAX_RUNNING: String(agents),
      },
    });
    const tasks = Math.max(1, Math.floor(agents * 0.8));
    const items = Array.from({length: tasks}, (_, index) => index);
    const plan = {version: 1, name: 'failover', tasks: {t: {foreach: items, run: TASK, retries: 100}}};
    await rig.spawn({count: agents, plan, env: {...rig.env, LEDGER: ledgerOf(rig)}});
    await until('all tasks run', () => startsOf(rig).length >= tasks, {withinMs: 60_000});
    const random = seededRandom(SEED);
    const killed: {readonly start: Start; readonly atMs: number; readonly next: Start}[] = [];
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      const latest = [...new Map(startsOf(rig).map(start => [start.task, start])).values()];
      const start = latest[Math.floor(random() * latest.length)];
      if (!start) throw new Error('no task runs');
      const atMs = Date.now();
      process.kill(start.pid, 'SIGKILL');
      const next = await until('the task runs again', () => {
        return startsOf(rig).find(({task, attempt}) => task === start.task && attempt > start.attempt);
      });
      killed.push({start, atMs, next});
      await sleep(BETWEEN_KILLS_MS);
    }
    const noticed = noticedMs(await eventsOf(rig, 'failover'));
    const view = await rig.client().kill('failover');
    if (!view.ok) throw new Error(view.failure.reason);
    const toNotice = killed.map(({start, atMs}) => (noticed.get(start.attempt) ?? Number.NaN) - atMs);
    const toRun = killed.map(({start, next}) => next.atMs - (noticed.get(start.attempt) ?? Number.NaN));
    return [
      fact('agents, tasks at work', `${agents}, ${tasks}`),
      fact('kills', killed.length),
      fact('delay before another attempt (retry-base, retry-max)', `${RETRY_MS} ms`),
      ...timeRows('from the kill to the record of the failure', toNotice, NOTICED_MS),
      ...timeRows('from there until it runs again', toRun, ELSEWHERE_MS),
      none(
        'runs by the agent that had just failed',
        killed.filter(({start, next}) => next.agent === start.agent).length,
      ),
      none('failures nobody recorded', toNotice.filter(ms => Number.isNaN(ms)).length),
    ];
  },
};

function startsOf(rig: Rig): readonly Start[] {
  return ledgerLines(rig).flatMap(line => {
    const [, cookie = '', task = '', agent = '', pid = '', atMs = ''] = line.split(' ');
    // A line that is just being written has not all its words.
    return atMs.length < 13
      ? []
      : [{attempt: Number(cookie.split('.').at(-1)), task, agent, pid: Number(pid), atMs: Number(atMs)}];
  });
}

async function eventsOf(rig: Rig, team: string): Promise<readonly TracedEvent[]> {
  const all: TracedEvent[] = [];
  for (;;) {
    const page = await rig.client().events(team, {after: all.at(-1)?.cursor ?? 0, limit: 1000});
    if (!page.ok) throw new Error(page.failure.reason);
    all.push(...page.value);
    if (page.value.length < 1000) return all;
  }
}

/** When the failure of each attempt was recorded. */
function noticedMs(events: readonly TracedEvent[]): ReadonlyMap<number, number> {
  return new Map(
    events.flatMap(({body, atMs}) => (body.type === 'attempt-failed' ? [[Number(body.attempt), atMs] as const] : [])),
  );
}

function timeRows(what: string, values: readonly number[], targetMs: number): readonly LoadRow[] {
  const [p50, p99] = [percentile(values, 0.5), percentile(values, 0.99)];
  return [
    {what: `${what}, p50`, measured: `${Math.round(p50)} ms`, target: `≤ ${targetMs} ms`, met: p50 <= targetMs},
    {what: `${what}, p99`, measured: `${Math.round(p99)} ms`, target: `≤ ${targetMs} ms`, met: p99 <= targetMs},
  ];
}
