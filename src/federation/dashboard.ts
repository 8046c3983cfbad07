import {plural} from '../base/amount.ts';
import type {Now} from '../base/clock.ts';
import {failureText} from '../model/failure-text.ts';
import type {AgentId, AttemptId} from '../model/ids.ts';
import {
  MAX_FAILURES_SHOWN,
  MAX_RUNNING_SHOWN,
  type AilingView,
  type BudgetView,
  type FailureView,
  type RunningView,
  type TaskCounts,
  type TeamOutcome,
  type TeamView,
  type WaitingView,
} from '../model/team-view.ts';
import type {Usage} from '../model/usage.ts';
import type {Obstacle} from './dispatcher.ts';
import type {ReadyClass} from './ready-queue.ts';
import type {TaskNode} from './task-node.ts';
import type {Attempt, Team} from './team.ts';
import type {TeamAgents} from './team-agents.ts';

export interface ViewOptions {
  readonly now: Now;
  /** What keeps the tasks of a class from running; null: nothing but their turn. */
  readonly obstacle?: (ready: ReadyClass) => Obstacle | null;
  readonly lastLine?: (attempt: AttemptId) => string | null;
  readonly ailing?: readonly AilingView[];
  readonly unheld?: number;
}

/** What every face shows of a team that is not over. O(running + failures shown). */
export function viewTeam(
  team: Team,
  {now, obstacle = () => null, lastLine = () => null, ailing = [], unheld = 0}: ViewOptions,
): TeamView {
  const {agents} = team;
  const {pausedBecause, ...settings} = team.settings;
  const durationMs = Math.max(0, now.monoMs - team.startedAt.monoMs);
  const unreached = unreachedOf(team);
  return {
    v: 1,
    team: team.spec.name,
    teamId: team.id,
    state: team.state,
    traceId: team.spec.traceId,
    agents: {
      requested: agents.all.length - agents.count('draining'),
      ready: agents.count('idle') + agents.count('busy') - unreached,
      busy: agents.working,
      starting: agents.count('starting') + unreached,
      failed: agents.count('gone'),
      ...someOf(agents),
    },
    tasks: countTasks(team),
    attempts: team.totals.attempts,
    retries: team.retries.count,
    startedAtMs: Math.round(team.startedAt.wallMs),
    durationMs: Math.round(durationMs),
    meanBusyAgents: meanBusy(team, now, durationMs),
    usage: shown(usageOf(team.totals)),
    unpriced: team.totals.unpriced,
    waiting: waiting(team, obstacle),
    running: running(team, now, lastLine),
    failures: failures(team),
    repository: team.spec.repository ?? null,
    budget: budgetOf(team, now),
    warnings: team.warnings,
    troubles: team.tally.troubles,
    endedBecause: team.endedBecause,
    settings,
    ...(pausedBecause === undefined || !team.isPaused ? {} : {pausedBecause}),
    ...(ailing.length === 0 ? {} : {ailing}),
    ...(unheld === 0 ? {} : {unheld}),
    outcome: null,
  };
}

/** Agents whose host is not there (yet), or not any more, though they have attempts. */
function unreachedOf({attempts}: Team): number {
  const unreached = new Set<AgentId>();
  for (const {agent} of attempts.values()) if (agent.state === 'busy' && !agent.isReachable) unreached.add(agent.id);
  return unreached.size;
}

/** Agents in states that are seldom. */
function someOf(agents: TeamAgents): Pick<TeamView['agents'], 'paused' | 'suspect' | 'draining'> {
  const seldom = ['paused', 'suspect', 'draining'] as const;
  return Object.fromEntries(seldom.flatMap(state => (agents.count(state) > 0 ? [[state, agents.count(state)]] : [])));
}

/** The last view of a team, when everything of it is over. */
export function finalView(team: Team, now: Now): TeamView {
  const outcome = outcomeOf(team);
  const state = outcome === 'ok' ? 'succeeded' : outcome === 'killed' ? 'killed' : 'failed';
  const view = viewTeam(team, {now});
  return {...view, state, outcome, agents: {...view.agents, busy: 0}, waiting: [], running: []};
}

/** To a hundredth of a second, which is as fine as the OS counts. */
function shown(usage: Usage): Usage {
  const {cpuSeconds} = usage;
  return {...usage, cpuSeconds: cpuSeconds === null ? null : Math.round(cpuSeconds * 100) / 100};
}

function usageOf({
  cpuSeconds,
  maxRssBytes,
  usd,
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
}: Usage): Usage {
  return {cpuSeconds, maxRssBytes, usd, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens};
}

function outcomeOf(team: Team): TeamOutcome {
  if (team.ending === 'user') return 'killed';
  if (team.ending === 'team-timeout') return 'timed-out';
  if (team.ending === 'budget') return 'budget';
  if ([...team.tally.failed].some(isForQuota)) return 'quota';
  return team.ending !== null || team.tally.troubles > 0 ? 'tasks-failed' : 'ok';
}

function isForQuota({state, spec}: TaskNode): boolean {
  return state.name === 'failed' && state.failure.reason === 'provider-limited' && !spec.continueOnError;
}

function runtimeText({means}: Attempt): string | null {
  if (!means) return null;
  return means.model === null ? means.runtime : `${means.runtime}/${means.model}`;
}

function budgetOf({budget, totals}: Team, {monoMs}: Now): BudgetView | null {
  const {limit, reserved} = budget;
  const {perHour = null} = limit;
  if (limit.usd === null && limit.tokens === null && perHour === null) return null;
  return {
    limitUsd: limit.usd,
    limitTokens: limit.tokens,
    usedUsd: budget.used('usd', totals),
    usedTokens: budget.used('tokens', totals),
    reservedUsd: reserved.usd,
    reservedTokens: reserved.tokens,
    ...(perHour === null ? {} : {hour: {limitUsd: perHour, usedUsd: budget.usdLastHour(monoMs)}}),
  };
}

function countTasks({tally: {counts}}: Team): TaskCounts {
  const {waiting, running, verifying, reviewing, merging, succeeded, failed, skipped, cancelled} = counts;
  const ready = counts.ready + counts['backing-off'];
  const total = waiting + ready + running + verifying + reviewing + merging + succeeded + failed + skipped + cancelled;
  return {total, waiting, ready, running, verifying, reviewing, merging, succeeded, failed, skipped, cancelled};
}

function meanBusy(team: Team, now: Now, durationMs: number): number | null {
  if (team.totals.attempts === 0 || durationMs === 0) return null;
  let busyMs = team.totals.busyMs;
  for (const attempt of team.attempts.values()) busyMs += now.monoMs - attempt.leasedAt.monoMs;
  return busyMs / durationMs;
}

function waiting(team: Team, obstacle: NonNullable<ViewOptions['obstacle']>): WaitingView[] {
  const views: WaitingView[] = [];
  // First: who looks at a queue sets aside what may not start.
  if (team.queued > 0) views.push(...whyQueued(team, obstacle));
  const {agents, tally, queued} = team;
  const {counts} = tally;
  const losing = team.twins.keptBack;
  const parked = counts.ready - queued - losing;
  if (losing > 0) views.push({why: 'the end of an attempt that another one has outrun', tasks: losing});
  if (parked > 0) views.push({why: 'as many of its kind run as max-parallel allows', tasks: parked});
  if (counts['backing-off'] > 0) views.push({why: 'a delay before the next attempt', tasks: counts['backing-off']});
  if (counts.waiting > 0) views.push({why: 'tasks they need', tasks: counts.waiting});
  if (team.attempts.size === 0 && agents.count('starting') > 0 && queued === 0 && counts.waiting === 0) {
    const starting = agents.count('starting');
    views.push({why: `${plural(starting, 'agent')} ${starting === 1 ? 'is' : 'are'} starting`, tasks: 0});
  }
  return views;
}

function whyQueued(team: Team, obstacle: NonNullable<ViewOptions['obstacle']>): WaitingView[] {
  if (team.isPaused) return [{why: 'the team to be resumed', tasks: team.queued}];
  const tasks = new Map<string, number>();
  for (const ready of team.ready.classes()) {
    if (ready.tasks.size === 0) continue;
    const why = obstacle(ready)?.why ?? 'their turn';
    if (ready.tasks.size === 0) continue;
    tasks.set(why, (tasks.get(why) ?? 0) + ready.tasks.size);
  }
  return [...tasks].map(([why, count]) => ({why, tasks: count}));
}

function running(team: Team, now: Now, lastLine: (attempt: AttemptId) => string | null): RunningView[] {
  const views: RunningView[] = [];
  for (const attempt of team.attempts.values()) {
    if (views.length === MAX_RUNNING_SHOWN) break;
    views.push(runningView(attempt, now, lastLine));
  }
  return views;
}

function runningView(attempt: Attempt, now: Now, lastLine: (attempt: AttemptId) => string | null): RunningView {
  return {
    task: attempt.task.id,
    agent: attempt.agent.id,
    attempt: attempt.number,
    verifying: attempt.task.state.name === 'verifying' && attempt.task.state.attempt === attempt.id,
    runtime: runtimeText(attempt),
    elapsedMs: Math.round(Math.max(0, now.monoMs - attempt.leasedAt.monoMs)),
    lastLine: lastLine(attempt.id),
  };
}

function failures(team: Team): FailureView[] {
  return [...team.tally.failed].slice(0, MAX_FAILURES_SHOWN).flatMap(task => {
    if (task.state.name !== 'failed') return [];
    const {failure} = task.state;
    return [{task: task.id, attempts: task.failures + task.losses, failure, text: failureText(failure)}];
  });
}
