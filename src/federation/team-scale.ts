import {isTerminal, type TaskSpec} from '../model/task.ts';
import type {Agent} from './agent.ts';
import {isLiving} from './agent.ts';
import {candidatesFor, escalation, requirementKey, requirementOf} from './requirement.ts';
import type {Team} from './team.ts';

/** For each kind of unfinished task of a team: the groups whose agents can do it. */
export function neededGroups({tasks, spec, agents}: Pick<Team, 'tasks' | 'spec' | 'agents'>): readonly number[][] {
  const kinds = new Map<string, number[]>();
  // The instances of a `foreach` share a spec: there may be a hundred thousand of them.
  const seen = new Set<TaskSpec>();
  for (const task of tasks) {
    if (isTerminal(task.state.name) || (task.failures === 0 && seen.has(task.spec))) continue;
    if (task.failures === 0) seen.add(task.spec);
    const escalated = task.spec.prompt === undefined ? null : escalation(task.failures, spec.plan?.escalate);
    const requirement = requirementOf(task.spec, escalated);
    const key = requirementKey(requirement);
    if (kinds.has(key)) continue;
    kinds.set(
      key,
      candidatesFor(requirement, agents.groups).map(({group}) => group),
    );
  }
  return [...kinds.values()];
}

/**
 * Who leaves, of a team or one group of it, when it is to have so many fewer. Those without an attempt go first, then by
 * group: the most expensive by `costPerHour` first, of equals the later one in the plan, those of unknown cost last; then
 * those with fewer attempts, then the newest. Whoever is the last that can do some unfinished task stays: the answer may be
 * shorter than what was asked for.
 */
export function leaversOf(team: Team, {fewer, group}: {fewer: number; group: number | null}): readonly Agent[] {
  const {agents} = team;
  const staying = agents.groups.map((_, index) => agents.living(index));
  const candidates = agents.all.filter(agent => isLiving(agent) && (group === null || agent.group === group));
  const newest = new Map(candidates.map((agent, index) => [agent, -index]));
  const cost = (agent: Agent) => agents.groupOf(agent).costPerHour ?? Number.NEGATIVE_INFINITY;
  candidates.sort(
    (a, b) =>
      Number(a.load > 0) - Number(b.load > 0) ||
      compare(cost(b), cost(a)) ||
      b.group - a.group ||
      a.load - b.load ||
      (newest.get(a) ?? 0) - (newest.get(b) ?? 0),
  );
  let needed: readonly number[][] | null = null;
  const leavers: Agent[] = [];
  for (const agent of candidates) {
    if (leavers.length >= fewer) break;
    const left = (staying[agent.group] ?? 0) - 1;
    if (left === 0) {
      needed ??= neededGroups(team);
      const isLast = (groups: number[]) =>
        groups.includes(agent.group) && groups.every(other => other === agent.group || (staying[other] ?? 0) === 0);
      if (needed.some(isLast)) continue;
    }
    staying[agent.group] = left;
    leavers.push(agent);
  }
  return leavers;
}

/**
 * How many more agents each group gets when a team is to have so many more: first one of each that some unfinished task has
 * nobody for, then shared out as `weights` say.
 */
export function growthOf(team: Team, {more, weights}: {more: number; weights: readonly number[]}): readonly number[] {
  const {agents} = team;
  const growth = agents.groups.map(() => 0);
  let left = more;
  const grow = (group: number) => {
    growth[group] = (growth[group] ?? 0) + 1;
    left -= 1;
  };
  const has = (group: number) => agents.living(group) + (growth[group] ?? 0);
  const isMissing = agents.groups.some((_, group) => agents.living(group) === 0);
  for (const groups of isMissing ? neededGroups(team) : []) {
    const [best] = groups;
    if (left > 0 && best !== undefined && groups.every(group => has(group) === 0)) grow(best);
  }
  while (left > 0) {
    let next: number | null = null;
    for (const [group, weight] of weights.entries()) {
      if (weight <= 0) continue;
      // Whose turn it is by the method of Webster, which favours neither large groups nor small ones.
      const best = next === null ? Number.POSITIVE_INFINITY : (2 * has(next) + 1) / (weights[next] ?? 1);
      if ((2 * has(group) + 1) / weight < best) next = group;
    }
    grow(next ?? 0);
  }
  return growth;
}

/** In what proportion a team grows: as its queue needs it, or as it is now, or as it was spawned. */
export function weightsOf({agents, ready}: Team, by: 'queue' | 'groups'): readonly number[] {
  const asNow = agents.groups.map((_, group) => agents.living(group));
  if (by === 'queue') {
    const queued = agents.groups.map(() => 0);
    for (const {candidates, tasks} of ready.classes()) {
      const best = candidates[0]?.group;
      if (best !== undefined) queued[best] = (queued[best] ?? 0) + tasks.size;
    }
    if (queued.some(weight => weight > 0)) return queued;
  }
  return asNow.some(weight => weight > 0) ? asNow : agents.groups.map(({count}) => Math.max(count, 1));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
