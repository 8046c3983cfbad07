import type {Effect} from '../federation/engine-io.ts';
import {isFinal} from '../model/team.ts';
import {checkAssignment, checkMerge} from './check-landing.ts';
import type {DaemonLife} from './daemon-life.ts';
import type {Surroundings} from './surroundings.ts';
import {hold} from './violation.ts';

/** So late the daemon may hear that a host hung. */
const HUNG_MS = 60_000;
/** Where the plan says nothing, prompts may be silent for at least so long. */
const LEAST_SILENCE_MS = 600_000;

interface EffectFacts {
  readonly around: Surroundings;
  readonly life: DaemonLife;
}

/** Whether that may be done, at the moment the engine decides it. */
export function checkDecided(effect: Effect, {around, life}: EffectFacts): void {
  const {ledger} = around;
  switch (effect.type) {
    case 'merge':
      return checkMerge(effect.request, ledger);
    case 'assign':
      return checkAssignment(effect.assignment, ledger.attempt(effect.assignment.attempt));
    case 'open-agents': {
      const failed = life.agents.failedThere(effect);
      return hold('an agent that failed is not opened again', failed === undefined, () => `${failed}`);
    }
    case 'close-team': {
      // Of the moment in which it was decided: before it is carried out the team may have been taken up again.
      const isOver = isFinal(ledger.team(effect.teamId).state);
      return hold('only teams that are over are closed', isOver, () => `${effect.teamId}`);
    }
    case 'reap': {
      const over = effect.attempts.find(id => ledger.attempts.get(id)?.outcome !== undefined);
      return hold('only open attempts are reaped', over === undefined, () => `attempt ${over}`);
    }
    case 'kill-host': {
      if (!life.agents.isConnected(effect.hostId)) return;
      const hungMs = around.lastHungMs(effect.hostId);
      const isStuck = hungMs !== null && around.now().monoMs - hungMs < HUNG_MS;
      return hold('only a host that hangs is ended', isStuck, () => `${effect.hostId}, which hung at ${hungMs}`);
    }
    case 'stop-attempts':
      return checkStop(effect, {around, life});
    default:
      return;
  }
}

function checkStop({attempts, by}: Extract<Effect, {type: 'stop-attempts'}>, {around, life}: EffectFacts): void {
  const {ledger, silentMs} = around;
  for (const id of attempts) {
    const attempt = ledger.attempts.get(id);
    if (!attempt || attempt.outcome !== undefined) continue;
    const {agentId, task, stopping} = attempt;
    const isWanted = by !== 'agent-killed' || life.agents.isOrdered(agentId);
    hold('work is taken only from agents that somebody wants killed', isWanted, () => agentId);
    if (by !== 'silent' || (stopping ?? by) !== 'silent') continue;
    const budgetMs = task.spec.limits?.silenceMs ?? LEAST_SILENCE_MS;
    const silence = silentMs(id);
    hold('only what is silent is stopped for it', silence === null || silence >= budgetMs - 1, () => {
      return `attempt ${id}: silent for ${silence} of ${budgetMs} ms`;
    });
  }
}

/** Whether that is still right at the moment the daemon does it. */
export function checkPerformed(effect: Effect, {ledger, machine}: Surroundings): void {
  hold('no effect before its records', ledger.uncommitted === 0, () => effect.type);
  switch (effect.type) {
    case 'assign': {
      const {attempt: id, task, teamId, agentId, number, item, needs} = effect.assignment;
      const attempt = ledger.attempts.get(id);
      const matches =
        attempt?.task === ledger.task(teamId, task) &&
        attempt.agentId === agentId &&
        attempt.hostId === effect.hostId &&
        attempt.number === number &&
        JSON.stringify(attempt.task.group ? item : null) === JSON.stringify(attempt.task.item);
      hold('an assignment is what was leased', matches, () => `attempt ${id}`);
      for (const need of needs) {
        const recorded = ledger.task(teamId, need.seq);
        hold('an assignment says how its needs ended', recorded.state.name === need.state, () => {
          return `attempt ${id}: ${need.id} is ${recorded.state.name}, said to be ${need.state}`;
        });
      }
      return;
    }
    case 'reap':
      for (const id of effect.attempts) {
        const attempt = ledger.attempts.get(id);
        const gone = attempt && ledger.hosts.get(attempt.hostId)?.gone !== false;
        hold('only attempts of dead hosts are reaped', gone === true, () => `attempt ${id}`);
      }
      return;
    case 'read-output': {
      const task = ledger.task(effect.teamId, effect.task);
      return hold('outputs are read of what has succeeded', task.state.name === 'succeeded', () => task.id);
    }
    case 'team-over': {
      const team = ledger.team(effect.teamId);
      const over = isFinal(team.state) && machine.liveOf(team.id).length === 0;
      return hold('a team is over when nothing of it runs', over, () => team.spec.name);
    }
    default:
      return;
  }
}
