import type {ModelChoice} from '../model/agent.ts';
import type {LedgerAttempt} from './ledger.ts';
import type {Room} from './room.ts';
import {LIMITS} from './engine-limits.ts';
import {hold} from './violation.ts';
import {choiceOf, mayDo, providerFor} from './who-does-it.ts';

const RESOURCES = ['usd', 'tokens'] as const;
/** Sums that have been added to and taken from are exact only to so much. */
const ROUNDING = 1e-6;

interface LeaseFacts {
  readonly room: Room;
  readonly open: Iterable<LedgerAttempt>;
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
  checkRoom(attempt, facts);
  if (means) checkBudget(attempt, {choice, isKnown: facts.isKnown});
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

function checkBudget(
  {id, task, means}: LedgerAttempt,
  {choice, isKnown}: {choice: ModelChoice | null; isKnown: LeaseFacts['isKnown']},
): void {
  const {team, spec} = task;
  for (const resource of RESOURCES) {
    const limit = team.spec.budget?.[resource] ?? null;
    const cap = means?.cap[resource] ?? null;
    hold('exactly what a budget limits is reserved', (limit === null) === (cap === null), () => `attempt ${id}`);
    if (limit === null || cap === null) continue;
    const taken = team.used[resource] + team.reserved[resource];
    hold('what is used and reserved is within the budget', taken <= limit + ROUNDING, () => {
      return `attempt ${id}: ${taken} of ${limit} ${resource}`;
    });
    hold('an attempt may use something', cap > 0, () => `attempt ${id}: ${cap} ${resource}`);
    const first = spec.estimate?.[resource] ?? LIMITS.firstCap[resource];
    const least = Math.min(first, limit - taken + cap);
    const mustGuess = choice !== null && !isKnown(kindOf(choice, task.team.id, spec.skills));
    hold('nothing is learned from what was cut short', !mustGuess || cap >= least - ROUNDING, () => {
      return `attempt ${id}: ${cap}, not ${least} ${resource}`;
    });
  }
}

/** Attempts of a kind are expected to use alike. */
export function kindOf({runtime, model}: ModelChoice, teamId: number, skills: readonly string[] = []): string {
  return JSON.stringify([teamId, runtime, model, skills]);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
