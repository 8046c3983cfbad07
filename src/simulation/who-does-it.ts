import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import {providerOf} from '../model/provider.ts';
import type {LedgerTask, LedgerTeam} from './ledger-entries.ts';

/**
 * Which agents may do a task and with what, said a second time: plainly and without a look at the engine. See `oracle.ts`.
 */

export function mayDo(group: AgentGroup, task: LedgerTask): boolean {
  const {skills = [], runtime, prompt} = task.spec;
  const hasSkills = group.skills.length === 0 || skills.every(skill => group.skills.includes(skill));
  if (prompt === undefined) return hasSkills;
  const isAsked = runtime === undefined || group.runtime === runtime || escalatedTo(task) !== null;
  return hasSkills && isAsked && group.runtime !== 'command';
}

/** How many of the skills that the task prefers the group has. */
export function likes({spec}: LedgerTask, group: AgentGroup): number {
  return (spec.prefer ?? []).filter(skill => group.skills.includes(skill)).length;
}

/** What an agent of the group does the task with; null: it runs a command. */
export function choiceOf(group: AgentGroup, task: LedgerTask): ModelChoice | null {
  const {runtime, model, prompt} = task.spec;
  if (prompt === undefined) return null;
  return escalatedTo(task) ?? {runtime: runtime ?? group.runtime, model: model ?? group.model};
}

export function providerFor(choice: ModelChoice): string {
  return providerOf(choice.runtime, choice.model);
}

/** The last rung of the ladder that the failures of the task have reached. */
function escalatedTo({spec, team, failures}: LedgerTask): ModelChoice | null {
  const ladder = team.spec.plan?.escalate;
  if (!ladder || spec.prompt === undefined) return null;
  let reached: ModelChoice | null = null;
  for (const [index, next] of ladder.to.entries()) if (failures >= ladder.after * (index + 1)) reached = next;
  return reached;
}

/** Nothing that the team has used, reserved or learned can be a reason not to pay for a prompt of it now. */
export function isSurelyPaid(team: LedgerTeam): boolean {
  if ((team.budget?.perHour ?? null) !== null) return false;
  return (['usd', 'tokens'] as const).every(resource => {
    const limit = team.budget?.[resource] ?? null;
    if (limit === null) return true;
    const left = limit - team.used[resource] - team.reserved[resource];
    const most = Math.max(team.largest[resource], Math.min(team.mostAsked[resource], limit));
    // Sums that have been added to and taken from are exact only to so much.
    return left === limit ? most <= limit : left > most + 1e-9;
  });
}
