import type {Now} from '../base/clock.ts';
import type {Input} from '../federation/engine-io.ts';
import type {AgentId} from '../model/ids.ts';
import {isTerminal} from '../model/task.ts';
import type {LifeFacts} from './daemon-life.ts';
import type {EngineUnderTest} from './engine-under-test.ts';
import type {LedgerAttempt, LedgerTask, LedgerTeam} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {isReady} from './oracle.ts';
import {hold} from './violation.ts';
import {choiceOf, isSurelyPaid, likes, mayDo} from './who-does-it.ts';

/** After any input: nobody is free and nothing waits that are for each other. */
export function checkIdle(
  team: LedgerTeam,
  {input, engine, now}: {input: Input | null; engine: EngineUnderTest; now: Now},
  facts: LifeFacts,
): void {
  if (facts.ledger.open.size >= facts.life.room.permits) return;
  const dueMs = input?.type === 'tick' ? now.monoMs : Number.NEGATIVE_INFINITY;
  const found = passedOver(team, {dueMs}, facts);
  hold('no agent idles beside a ready task', found === null, () => {
    const view = engine.view(team.id, {now});
    const why = view?.waiting.map(waits => waits.why).join('; ');
    return `${found?.agent} idles, ${found?.task.id} is ready and waits for ${why}`;
  });
}

/** Another team with work, a free agent and fewer running attempts would have been next. */
export function checkFairness(attempt: LedgerAttempt, now: Now, facts: LifeFacts): void {
  const {team} = attempt.task;
  const {ledger} = facts;
  const running = runningOf(team, ledger) - 1;
  for (const other of ledger.live) {
    if (other === team || other.ending !== null || runningOf(other, ledger) >= running) continue;
    const found = passedOver(other, {dueMs: now.monoMs, inPlaceOf: attempt}, facts);
    hold('teams get equal shares', found === null, () => {
      return `${team.spec.name} goes before ${other.spec.name}: ${found?.task.id}`;
    });
  }
}

/** Among the agents that could have done it, those with more of the preferred skills come first. */
export function checkPreference(attempt: LedgerAttempt, {ledger, life}: LifeFacts): void {
  const {id, task, agentId} = attempt;
  const {team, spec} = task;
  const group = team.agents.get(agentId);
  if (!spec.prefer || !group || (spec.prompt !== undefined && !isSurelyPaid(team))) return;
  const room = life.room.beside(ledger.open, attempt);
  const better = [...life.agents.idleOf(team)].find(([other, idle]) => {
    const isLiked = mayDo(other, task) && likes(task, other) > likes(task, group);
    const choice = choiceOf(other, task);
    const isOpen = isLiked && room.hasRoomFor(choice) && !life.edges.isShut(team.id, choice);
    return isOpen && idle.some(one => !life.agents.isLeftOut(team, one));
  });
  hold(
    'preferred agents come first',
    !better,
    () => `attempt ${id} of ${task.id} by ${agentId}, not ${better?.[1].join(' or ') ?? ''}`,
  );
}

/** A ready task and a free agent that may do it, with room for one more attempt (in place of this one, if one is named). */
function passedOver(
  team: LedgerTeam,
  {dueMs, inPlaceOf}: {dueMs: number; inPlaceOf?: LedgerAttempt},
  {ledger, life}: LifeFacts,
): {agent: AgentId; task: LedgerTask} | null {
  const idle = life.agents.idleOf(team);
  if (idle.size === 0) return null;
  const room = life.room.beside(ledger.open, inPlaceOf);
  const paysPrompts = isSurelyPaid(team);
  for (const task of team.tasks) {
    if (isTerminal(task.state.name) || !isReady(task, dueMs)) continue;
    for (const [group, agents] of idle) {
      if (!mayDo(group, task)) continue;
      const choice = choiceOf(group, task);
      if (choice !== null && (!paysPrompts || life.edges.isShut(team.id, choice))) continue;
      if (!room.hasRoomFor(choice)) continue;
      const agent = agents.find(one => !life.agents.isLeftOut(team, one));
      if (agent) return {agent, task};
    }
  }
  return null;
}

function runningOf(team: LedgerTeam, {open}: Ledger): number {
  return [...open].filter(({task}) => task.team === team).length;
}
