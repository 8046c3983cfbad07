import {plural, usdText} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import {formatSize} from '../base/size.ts';
import {isFinal, type TeamState} from '../model/team.ts';
import type {TaskCounts, TeamView} from '../model/team-view.ts';

/** What a count means for the reader: `good` and `bad` are coloured, `plain` is not. */
export type Tone = 'good' | 'bad' | 'busy' | 'plain';

export interface CountFact {
  readonly label: string;
  readonly count: number;
  readonly tone: Tone;
}

/** The colour of a team's state, on a screen and in text. */
export const STATE_COLORS = {
  running: 'cyan',
  idle: 'cyan',
  paused: 'yellow',
  draining: 'yellow',
  succeeded: 'green',
  failed: 'red',
  killed: 'red',
} as const satisfies Record<TeamState, string>;

/** Tasks that came to their end by themselves; what was cancelled was never done. */
export function doneCount({succeeded, failed, skipped}: TaskCounts): number {
  return succeeded + failed + skipped;
}

/** `412/1000 done (41 %)`; without tasks `no tasks`. */
export function progressText(tasks: TaskCounts): string {
  if (tasks.total === 0) return 'no tasks';
  const done = doneCount(tasks);
  // Rounded down, so that 100 % is said only when everything is done.
  return `${done}/${tasks.total} done (${Math.floor((100 * done) / tasks.total)} %)`;
}

/** The counts by state in the order in which tasks pass through them; those that are zero left out if asked. */
export function countFacts(tasks: TaskCounts, {zeros}: {readonly zeros: boolean}): readonly CountFact[] {
  const facts: readonly CountFact[] = [
    {label: 'succeeded', count: tasks.succeeded, tone: 'good'},
    {label: 'failed', count: tasks.failed, tone: 'bad'},
    {label: 'skipped', count: tasks.skipped, tone: 'bad'},
    {label: 'cancelled', count: tasks.cancelled, tone: 'bad'},
    {label: 'running', count: tasks.running, tone: 'busy'},
    {label: 'verifying', count: tasks.verifying, tone: 'busy'},
    // Only with coding agents there are any.
    ...(tasks.reviewing > 0 ? [{label: 'reviewing', count: tasks.reviewing, tone: 'busy'} as const] : []),
    ...(tasks.merging > 0 ? [{label: 'merging', count: tasks.merging, tone: 'busy'} as const] : []),
    {label: 'ready', count: tasks.ready, tone: 'plain'},
    {label: 'waiting', count: tasks.waiting, tone: 'plain'},
  ];
  return zeros ? facts : facts.filter(fact => fact.count > 0);
}

/** `50 of 50 agents ready, 48 busy (mean 46.2)`. */
export function agentsText({agents, meanBusyAgents, settings}: TeamView): string {
  const parts = [
    `${agents.ready} of ${agents.requested} agents ready`,
    `${agents.busy} busy${meanText(meanBusyAgents)}`,
  ];
  if (agents.starting > 0) parts.push(`${agents.starting} starting`);
  if (agents.failed > 0) parts.push(`${agents.failed} failed`);
  for (const state of ['suspect', 'paused', 'draining'] as const) {
    const count = agents[state] ?? 0;
    if (count > 0) parts.push(`${count} ${state}`);
  }
  const scaling = settings?.autoscale;
  return scaling ? `${parts.join(', ')} · scales from ${scaling.min} to ${scaling.max}` : parts.join(', ');
}

/** `466 attempts, 4 of them retried · CPU 812 s = 4.1 busy cores · peak memory 56 MiB`; what is unknown is said to be. */
export function usageText({attempts, retries, usage, durationMs}: TeamView): string {
  const tries = `${plural(attempts, 'attempt')}${retries > 0 ? `, ${retries} of them retried` : ''}`;
  const memory = usage.maxRssBytes === null ? 'peak memory unknown' : `peak memory ${formatSize(usage.maxRssBytes)}`;
  return [tries, cpuText(usage.cpuSeconds, durationMs), memory].join(' · ');
}

/** CPU-seconds of all tasks, and how many cores they kept busy on average over the wall time. */
export function cpuText(cpuSeconds: number | null, durationMs: number): string {
  if (cpuSeconds === null) return 'CPU unknown';
  const total = `CPU ${cpuSeconds < 10 ? cpuSeconds.toFixed(1) : cpuSeconds.toFixed(0)} s`;
  return durationMs < 1
    ? total
    : `${total} over ${formatDuration(durationMs)} (${((1000 * cpuSeconds) / durationMs).toFixed(1)} cores)`;
}

/** `$0.41 of $5.00, $0.12 reserved · 1.2M tokens in, 80k out`; null where no attempt could cost anything. */
export function costText(view: TeamView): string | null {
  const {usage, budget, repository} = view;
  const {usd, inputTokens, outputTokens} = usage;
  const isFree = usd === null && inputTokens === null && outputTokens === null;
  if (isFree && budget === null && (repository === null || hasNoPrice(view))) return null;
  // Of commands alone nothing is unknown: they cost nothing.
  const isEarly = isFree && unpricedAttempts(view) === 0;
  const yet = isFinal(view.state) ? '' : ' yet';
  const spent = usd === null ? (isEarly ? `no cost${yet}` : 'cost unknown') : usdText(usd);
  const limit = budget?.limitUsd == null ? '' : ` of ${usdText(budget.limitUsd)}`;
  const reserved = (budget?.reservedUsd ?? 0) > 0 ? `, ${usdText(budget?.reservedUsd ?? 0)} reserved` : '';
  const unknownTokens = isEarly ? `no tokens${yet}` : 'tokens unknown';
  const tokens = isFree ? unknownTokens : `${tokensText(inputTokens)} tokens in, ${tokensText(outputTokens)} out`;
  const most = budget?.limitTokens == null ? '' : ` of ${tokensText(budget.limitTokens)}`;
  const hour = budget?.hour && ` · ${usdText(budget.hour.usedUsd)} of ${usdText(budget.hour.limitUsd)} within the hour`;
  return `${spent}${limit}${reserved}${hour ?? ''} · ${tokens}${most}`;
}

/** It is over, and no prompt of it has run. */
function hasNoPrice(view: TeamView): boolean {
  return isFinal(view.state) && unpricedAttempts(view) === 0;
}

/** Attempts that are over and could have said what they cost; of a view that does not count them, all that are over. */
function unpricedAttempts({unpriced, attempts, tasks}: TeamView): number {
  return unpriced ?? Math.max(0, attempts - tasks.running - tasks.verifying);
}

/** `532`, `12k`, `1.2M`; `?` where it is unknown. */
export function tokensText(tokens: number | null): string {
  if (tokens === null) return '?';
  if (tokens < 1000) return String(Math.round(tokens));
  return tokens < 999_500 ? `${Math.round(tokens / 1000)}k` : `${(tokens / 1e6).toFixed(1)}M`;
}

/** `godel/audit, from main at 1a2b3c4d5e`; null where no task has a worktree. */
export function branchText({repository}: TeamView): string | null {
  if (!repository) return null;
  const {branch, checkedOut, base} = repository;
  return `${branch}, from ${checkedOut === null ? '' : `${checkedOut} at `}${base.slice(0, 10)}`;
}

/** One line for each reason why ready tasks do not run. */
export function waitingTexts({waiting}: TeamView): readonly string[] {
  return waiting.map(({tasks, why}) => `${plural(tasks, 'task')} ${tasks === 1 ? 'waits' : 'wait'}: ${oneLine(why)}`);
}

/** The team's time so far, when its view is `ageMs` old; a team that is over stands still. */
export function elapsedMs({state, durationMs}: TeamView, ageMs: number): number {
  return durationMs + (isFinal(state) ? 0 : ageMs);
}

/** A bar of `width` characters, full only at the whole. */
export function bar(fraction: number, width: number): {readonly full: string; readonly empty: string} {
  const filled = Math.floor(Math.min(1, Math.max(0, fraction)) * width);
  return {full: '█'.repeat(filled), empty: '░'.repeat(width - filled)};
}

/** How much of the plan is done, 0 to 1. */
export function doneFraction(tasks: TaskCounts): number {
  return tasks.total === 0 ? 0 : doneCount(tasks) / tasks.total;
}

function meanText(mean: number | null): string {
  return mean === null ? '' : ` (mean ${mean.toFixed(1)})`;
}
