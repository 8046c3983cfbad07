import type {Now} from '../base/clock.ts';
import type {Random} from '../base/random.ts';
import {failureText} from '../model/failure-text.ts';
import type {Instant, StoredTask, StoredTeam} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {buildTaskGraph} from './task-graph.ts';
import {tellNeedsAnew} from './task-rules.ts';
import {type RetryPolicy, Team} from './team.ts';

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
      team.adopt([node]);
      if (node.isTemplate && wasExpanded(row, groups.has(row.seq))) team.openGroup(node);
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

/** A template that succeeded was expanded, perhaps to nothing; one that failed or was cancelled only if it has instances. */
function wasExpanded(row: StoredTask, hasInstances: boolean): boolean {
  return hasInstances || row.state.name === 'expanded' || row.state.name === 'succeeded';
}

function restoreTask(team: Team, row: StoredTask): void {
  const group = row.group === null ? null : team.tasks[row.group];
  const node = group ? team.addMember(group, row) : team.tasks[row.seq];
  if (!node) throw new Error(`Internal error: the store has task "${row.id}", which is not in its plan`);
  node.failures = row.failures;
  node.losses = row.losses;
  node.round = row.round;
  node.attempts = row.attempts;
  node.memo = row.memo;
  team.retries += Math.min(row.failures, node.spec.retries);
  team.restoreState(node, row.state);
}
