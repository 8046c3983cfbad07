import type {Now} from '../base/clock.ts';
import type {Random} from '../base/random.ts';
import {failureText} from '../model/failure-text.ts';
import type {Instant, OpenAttempt, PastAttempt, StoredTask, StoredTeam} from '../model/record.ts';
import {buildTaskGraph} from './task-graph.ts';
import {tellNeedsAnew} from './task-rules.ts';
import type {Deadline} from './deadlines.ts';
import {LONGEST_LIMIT_MS, type RetryPolicy} from './retries.ts';
import {type Attempt, Team} from './team.ts';

export interface RestoreOptions {
  readonly now: Now;
  readonly bootId: string;
  readonly policy: RetryPolicy;
  readonly random: Random;
}

/** The team as it stood when the store was last written; call `begin` afterwards to let it go on. */
export function restoreTeam(stored: StoredTeam, {now, bootId, policy, random}: RestoreOptions): Team {
  // Plans that were added come after the instances of those before.
  const seqs = stored.tasks.filter(({group}) => group === null).map(({seq}) => seq);
  const rows = stored.spec.plan ? buildTaskGraph(stored.spec.plan, {seqOf: index => seqs[index] ?? index}) : [];
  const team = new Team({
    id: stored.id,
    spec: stored.spec,
    startedAt: inThisBoot(stored.startedAt, {now, bootId}),
    tasks: [],
    isStandby: stored.isStandby,
    policy,
    random,
  });
  const groups = new Set(stored.tasks.map(row => row.group).filter(seq => seq !== null));
  for (const row of stored.tasks) {
    const node = row.group === null ? rows[row.specIndex] : undefined;
    if (node) {
      team.progress.adopt([node]);
      if (node.isTemplate && wasExpanded(row, groups.has(row.seq))) team.progress.openGroup(node);
    }
    restoreTask(team, row);
  }
  team.landing.adopt(rows);
  tellNeedsAnew(rows);
  team.agents.restore(stored.agents, new Set(stored.openAttempts.map(({agentId}) => agentId)));
  if (stored.settings) team.settings = stored.settings;
  if (stored.budget) team.budget.replace(stored.budget);
  if (stored.timer) {
    const {usedMs, since} = stored.timer;
    team.timer = {usedMs, since: since && inThisBoot(since, {now, bootId})};
  }
  for (const past of stored.past) recall(team, past, now);
  team.state = stored.state;
  team.ending = stored.ending;
  if (stored.ending) team.endedBecause = failureText({reason: 'stopped', by: stored.ending});
  team.announcedReady = stored.totals.attempts > 0;
  Object.assign(team.totals, stored.totals);
  team.budget.tick(now.monoMs);
  team.budget.resume({usedUsd: team.budget.used('usd', team.totals), sinceMs: team.startedAt.monoMs});
  return team;
}

/** Setting the wall clock changes nothing, but after a reboot it alone tells how long ago that was. */
function inThisBoot(at: Instant, {now, bootId}: {now: Now; bootId: string}): Now {
  if (at.bootId === bootId) return at;
  return {wallMs: at.wallMs, monoMs: now.monoMs - Math.max(0, now.wallMs - at.wallMs)};
}

/** What was learned from the attempt is learned again: durations, speed and errors are in no record. */
function recall(team: Team, past: PastAttempt, now: Now): void {
  const task = team.tasks[past.task];
  const agent = team.agents.get(past.agentId);
  if (!task) return;
  const atMs = now.monoMs - Math.max(0, now.wallMs - past.endedAtMs);
  if (agent) team.selection.recall(agent, task, {...past, atMs});
  if (past.result.ok) team.learnDuration(task, past.durationMs);
}

/** A template that succeeded was expanded, perhaps to nothing; one that failed or was cancelled only if it has instances. */
function wasExpanded(row: StoredTask, hasInstances: boolean): boolean {
  return hasInstances || row.state.name === 'expanded' || row.state.name === 'succeeded';
}

function restoreTask(team: Team, row: StoredTask): void {
  const group = row.group === null ? null : team.tasks[row.group];
  const node = group ? team.progress.addMember(group, row) : team.tasks[row.seq];
  if (!node) throw new Error(`Internal error: the store has task "${row.id}", which is not in its plan`);
  node.failures = row.failures;
  node.losses = row.losses;
  node.round = row.round;
  node.attempts = row.attempts;
  node.memo = row.memo;
  team.retries.remember(node);
  team.progress.restore(node, row.state);
}

/** An attempt that was open when the store was last written, with what has been decided about it. */
export function openAgain(team: Team, open: OpenAttempt, now: Now): Attempt {
  const task = team.tasks[open.task];
  const agent = team.agents.get(open.agentId);
  if (!task || !agent) throw new Error(`Internal error: attempt ${open.id} belongs to no task or agent of its team`);
  const leasedAt = {wallMs: open.leasedAtMs, monoMs: now.monoMs - Math.max(0, now.wallMs - open.leasedAtMs)};
  const {id, number, hostId: host, means, session = null, twinOf = null, hasLost = false} = open;
  const stopping = team.ending ?? (hasLost ? 'lost-race' : agent.standing === 'gone' ? 'agent-killed' : null);
  // One whose first is over races with nobody.
  const race = (twinOf === null ? null : team.attempts.get(twinOf)?.number) ?? number;
  const rest = {leasedAt, means, session, stopping, isHeld: false, twinOf, race, hasLost, hasTwin: false};
  return {id, team, task, agent, host, number, ...rest, runsSinceMs: leasedAt.monoMs};
}

/** When the tasks are due that wait out a delay. */
export function retriesDue({id, tasks}: Team, {now, policy}: Pick<RestoreOptions, 'now' | 'policy'>): Deadline[] {
  return tasks.flatMap(task => {
    if (task.state.name !== 'backing-off') return [];
    // The wall clock may have been set since: it is believed only so far.
    const mostMs = task.memo?.limited === undefined ? policy.retryMaxMs : LONGEST_LIMIT_MS;
    const leftMs = Math.min(Math.max(0, task.state.untilWallMs - now.wallMs), mostMs);
    return [{atMs: now.monoMs + leftMs, kind: 'retry', teamId: id, task}];
  });
}
