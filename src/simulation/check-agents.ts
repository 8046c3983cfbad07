import type {ModelChoice} from '../model/agent.ts';
import type {LedgerAttempt} from './ledger-entries.ts';
import type {Room} from './room.ts';
import {LIMITS} from './engine-limits.ts';
import {hold} from './violation.ts';
import {choiceOf, mayDo, providerFor} from './who-does-it.ts';

const RESOURCES = ['usd', 'tokens'] as const;
/** Sums that have been added to and taken from are exact only to so much. */
const ROUNDING = 1e-6;
const HOUR_MS = 3_600_000;

interface LeaseFacts {
  readonly room: Room;
  readonly open: Iterable<LedgerAttempt>;
  readonly nowMs: number;
  /** When this life of the daemon began. */
  readonly livesSinceMs: number;
  /** Whether an attempt of this kind has come so far, in this life of the daemon, that it shows what such attempts use. */
  readonly isKnown: (kind: string) => boolean;
}

/** Whether this agent may do this task with this, and whether what it takes is there. */
export function checkAgent(attempt: LedgerAttempt, facts: LeaseFacts): void {
  const {id, task, agentId, means} = attempt;
  const group = task.team.agents.get(agentId);
  const what = () => `attempt ${id} of ${task.id} by ${agentId}`;
  hold('work goes to agents that may do it', group !== undefined && mayDo(group, task), what);
  const choice = choiceOf(group, task);
  const said = means && {runtime: means.runtime, model: means.model, provider: means.provider};
  const expected = choice && {runtime: choice.runtime, model: choice.model, provider: providerFor(choice)};
  hold('a prompt is done with what plan, agent and ladder say', same(said ?? null, expected), () => {
    return `${what()}: ${JSON.stringify(said)}, not ${JSON.stringify(expected)}`;
  });
  const standing = task.team.standings.get(agentId) ?? 'present';
  hold('work goes to agents that are there to stay', standing === 'present', () => `${what()}, which is ${standing}`);
  hold('a team that is paused starts nothing', !task.team.settings.paused, what);
  checkRoom(attempt, facts);
  if (means) checkBudget(attempt, choice, facts);
}

function checkRoom({id, means}: LedgerAttempt, {room, open}: LeaseFacts): void {
  const {bytes, running} = room.beside(open);
  const isAlone = [...open].length === 1;
  hold('no more memory is set aside than there is', isAlone || bytes <= room.memoryBytes, () => {
    return `attempt ${id}: ${bytes} of ${room.memoryBytes} bytes`;
  });
  if (!means) return;
  const count = running.get(means.provider) ?? 0;
  const gate = room.gateOf(means.provider);
  hold('no more attempts than the gate of a provider lets through', count <= gate, () => {
    return `attempt ${id} is number ${count} of ${gate} at ${means.provider}`;
  });
}

function checkBudget(attempt: LedgerAttempt, choice: ModelChoice | null, facts: LeaseFacts): void {
  const {id, task, means} = attempt;
  const {team, spec} = task;
  for (const resource of RESOURCES) {
    const limit = team.budget?.[resource] ?? null;
    const perHour = resource === 'usd' ? (team.budget?.perHour ?? null) : null;
    const cap = means?.cap[resource] ?? null;
    const isLimited = limit !== null || perHour !== null;
    hold('exactly what a budget limits is reserved', isLimited === (cap !== null), () => `attempt ${id}`);
    if (cap === null) continue;
    if (perHour !== null) checkHour(attempt, perHour, facts);
    const taken = team.used[resource] + team.reserved[resource];
    hold('what is used and reserved is within the budget', limit === null || taken <= limit + ROUNDING, () => {
      return `attempt ${id}: ${taken} of ${limit} ${resource}`;
    });
    hold('an attempt may use something', cap > 0, () => `attempt ${id}: ${cap} ${resource}`);
    if (limit === null || perHour !== null) continue;
    const first = spec.estimate?.[resource] ?? LIMITS.firstCap[resource];
    const least = Math.min(first, limit - taken + cap);
    const mustGuess = choice !== null && !facts.isKnown(kindOf(choice, task.team.id, spec.skills));
    hold('nothing is learned from what was cut short', !mustGuess || cap >= least - ROUNDING, () => {
      return `attempt ${id}: ${cap}, not ${least} ${resource}`;
    });
  }
}

/** After a restart the engine can only guess when what was spent before was spent. */
function checkHour({id, task: {team}}: LedgerAttempt, perHour: number, {nowMs, livesSinceMs}: LeaseFacts): void {
  const sinceMs = Math.max(livesSinceMs, nowMs - HOUR_MS);
  const spent = team.spent.reduce((sum, {atMs, usd}) => sum + (atMs > sinceMs ? usd : 0), 0);
  hold('an hour costs no more than it may', spent + team.reserved.usd <= perHour + ROUNDING, () => {
    return `attempt ${id}: ${spent} spent and ${team.reserved.usd} reserved of ${perHour}`;
  });
}

/** Attempts of a kind are expected to use alike. */
export function kindOf({runtime, model}: ModelChoice, teamId: number, skills: readonly string[] = []): string {
  return JSON.stringify([teamId, runtime, model, skills]);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
