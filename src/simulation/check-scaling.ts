import type {Input, Step} from '../federation/engine-io.ts';
import type {AgentId} from '../model/ids.ts';
import {isTerminal} from '../model/task.ts';
import {type LedgerTeam, livingOf} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';
import {mayDo} from './who-does-it.ts';

/** Who was there to stay before a step that changes that, by team. */
export type Staff = ReadonlyMap<LedgerTeam, ReadonlySet<AgentId>>;

export interface ScalingFacts {
  readonly input: Input | null;
  readonly step: Step;
  readonly ledger: Ledger;
  readonly isFailed: (team: LedgerTeam, agent: AgentId) => boolean;
}

/** To be called before the records of the step are applied. */
export function staffOf(ledger: Ledger, {records}: Step): Staff {
  const staff = new Map<LedgerTeam, ReadonlySet<AgentId>>();
  for (const record of records) {
    const team = record.kind === 'agents' ? ledger.teams.get(record.teamId) : undefined;
    if (team && !staff.has(team)) staff.set(team, new Set(livingOf(team)));
  }
  return staff;
}

/** Nobody leaves who is still needed, and no team scales itself out of its limits. */
export function checkScaling(before: Staff, facts: ScalingFacts): void {
  const {input, step, ledger} = facts;
  for (const [team, staff] of before) {
    if (team.ending !== null) continue;
    const living = livingOf(team);
    const {autoscale} = team.settings;
    const has = () => `${team.spec.name} has ${living.length} agents of ${autoscale?.max}`;
    hold(
      'a team does not grow beyond its limit',
      autoscale === null || living.length <= Math.max(autoscale.max, staff.size),
      has,
    );
    const dismissed = input?.type === 'agent-order' && input.teamId === team.id ? input.agent : null;
    checkCover(team, {leavers: [...staff].filter(agent => !living.includes(agent) && agent !== dismissed), living});
  }
  for (const record of step.records) {
    if (record.kind !== 'event' || record.event.body.type !== 'team-scaled' || record.event.teamId === null) continue;
    const {from, to, why} = record.event.body.decision;
    const team = ledger.team(record.event.teamId);
    const {autoscale} = team.settings;
    if (autoscale === null || why === 'asked') continue;
    const what = () => `${team.spec.name} from ${from} to ${to}, ${autoscale.min} to ${autoscale.max} (${why})`;
    hold('a team grows to its maximum at most', to <= from || to <= autoscale.max, what);
    if (to >= from || to >= autoscale.min) continue;
    const failed = livingOf(team).filter(agent => facts.isFailed(team, agent)).length;
    hold('a team shrinks to its minimum at most', to + failed >= autoscale.min, what);
  }
}

function checkCover(
  team: LedgerTeam,
  {leavers, living}: {leavers: readonly AgentId[]; living: readonly AgentId[]},
): void {
  if (leavers.length === 0) return;
  for (const task of team.tasks) {
    if (isTerminal(task.state.name)) continue;
    const could = (agent: AgentId) => {
      const group = team.agents.get(agent);
      return group !== undefined && mayDo(group, task);
    };
    if (!leavers.some(could)) continue;
    hold('whoever is the last that can do a task stays', living.some(could), () => `${leavers.join(',')}, ${task.id}`);
  }
}
