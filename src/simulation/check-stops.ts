import type {LifeFacts} from './daemon-life.ts';
import type {LedgerTeam} from './ledger-entries.ts';
import {hold} from './violation.ts';

/** What is paused is held, and nothing else is. */
export function checkPauses(team: LedgerTeam, {ledger, life}: LifeFacts): void {
  for (const {id, hostId, task, agentId, stopping} of ledger.open) {
    if (task.team !== team || !life.agents.isConnected(hostId) || stopping !== null) continue;
    const isPaused = team.settings.paused || team.standings.get(agentId) === 'paused';
    hold('what is paused is held', life.told.isHeld(id) === isPaused, () => `attempt ${id} of ${agentId}`);
  }
}

/** What another attempt has outrun. */
export function checkLosers({tasks}: LedgerTeam, {life}: LifeFacts): void {
  for (const {outrun} of tasks) {
    if (outrun === null || !life.agents.isConnected(outrun.hostId)) continue;
    hold('what has lost its race is stopped', life.told.isStopped(outrun.id), () => `attempt ${outrun.id}`);
  }
}

/** Of a team that is being ended. */
export function checkStopping(team: LedgerTeam, {ledger, life}: LifeFacts): void {
  for (const {id, hostId, task} of ledger.open) {
    if (task.team !== team || !life.agents.isConnected(hostId)) continue;
    hold('what runs of a team that is ending is stopped', life.told.isStopped(id), () => `attempt ${id}`);
  }
}
