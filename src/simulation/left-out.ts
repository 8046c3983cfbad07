import type {AgentView} from '../model/agent-view.ts';
import type {AgentId, TeamId} from '../model/ids.ts';
import type {LedgerTeam} from './ledger-entries.ts';
import {hold} from './violation.ts';

/** As the breakers of agents have it: fewer failures never leave anybody out. */
const OFTEN = 5;
const MOST_LEFT_OUT = 0.1;

/** Who was given nothing because of how it had done when that was last looked at, and of how many. */
export class LeftOut {
  readonly #last = new Map<TeamId, {readonly agents: ReadonlySet<AgentId>; readonly of: number}>();

  /** Whoever is left out anew has failed often, is one of few, and is not the last that can do what it can. */
  check(team: LedgerTeam, views: readonly AgentView[]): void {
    const before = this.#last.get(team.id) ?? {agents: new Set<AgentId>(), of: 0};
    const out = views.filter(({breaker}) => breaker !== 'closed');
    const isNew = ({id}: AgentView) => !before.agents.has(id);
    const of = Math.max(before.of, views.length);
    const what = () => `${out.map(({id}) => id).join(',')} of ${of} agents of ${team.spec.name}`;
    for (const view of out.filter(isNew)) {
      hold('who is left out has failed often', failuresOf(team, view.id) >= OFTEN, () => view.id);
      hold('few are left out at a time', out.length <= Math.max(1, Math.floor(of * MOST_LEFT_OUT)), what);
      const isCovered = views.some(other => other.breaker === 'closed' && covers(other, view));
      hold('whoever is the last of its kind is not left out', isCovered, what);
    }
    this.#last.set(team.id, {agents: new Set(out.map(({id}) => id)), of: views.length});
  }

  forget(): void {
    this.#last.clear();
  }
}

function failuresOf({tasks}: LedgerTeam, agent: AgentId): number {
  return tasks.reduce((sum, {attempts, earlier}) => {
    return sum + [...earlier, ...attempts].filter(({agentId, end}) => agentId === agent && end === 'failed').length;
  }, 0);
}

/** Whether one can do whatever the other can. */
function covers(one: AgentView, other: AgentView): boolean {
  if (one.group === other.group) return one.id !== other.id;
  if (other.runtime !== 'command' && one.runtime !== other.runtime) return false;
  if (one.skills.length === 0) return true;
  return other.skills.length > 0 && other.skills.every(skill => one.skills.includes(skill));
}
