import type {StopReason} from '../model/failure.ts';
import type {HostId} from '../model/ids.ts';
import type {Attempt} from './team.ts';
import type {Turn} from './turn.ts';

/** Whether a host can be told something now. */
export interface Reach {
  isConnected(host: HostId | null): boolean;
}

/** Asks for the end of these attempts. Hosts that cannot be reached are told when they are back. */
export function stopAttempts(
  turn: Turn,
  attempts: Iterable<Attempt>,
  {by, reach}: {by: StopReason; reach: Reach},
): void {
  const all = [...attempts];
  for (const attempt of all) attempt.stopping ??= by;
  tellPauses(turn, all, reach);
  for (const [hostId, those] of byHost(all)) {
    if (reach.isConnected(hostId)) {
      turn.effect({type: 'stop-attempts', hostId, attempts: those.map(({id}) => id), by});
    }
  }
}

/** Tells their hosts which of these attempts are to be held and which to go on, unless they have been told. */
export function tellPauses(turn: Turn, attempts: Iterable<Attempt>, reach: Reach): void {
  const untold = [...attempts].filter(attempt => attempt.isHeld !== isToBeHeld(attempt));
  for (const [hostId, those] of byHost(untold)) {
    if (!reach.isConnected(hostId)) continue;
    for (const paused of [false, true]) {
      const concerned = those.filter(attempt => isToBeHeld(attempt) === paused);
      if (concerned.length === 0) continue;
      for (const attempt of concerned) {
        attempt.isHeld = paused;
        attempt.runsSinceMs = turn.now.monoMs;
      }
      turn.effect({type: 'pause-attempts', hostId, attempts: concerned.map(({id}) => id), paused});
    }
  }
}

/** Attempts that are to be held and may go on nevertheless: their host has not been told, or does not listen. */
export function countUnheld(attempts: Iterable<Attempt>, isHeard: (host: HostId) => boolean): number {
  return [...attempts].filter(attempt => isToBeHeld(attempt) && !(attempt.isHeld && isHeard(attempt.host))).length;
}

/** What is to be stopped has to run for that. */
function isToBeHeld({stopping, team, agent}: Attempt): boolean {
  return stopping === null && (team.isPaused || agent.standing === 'paused');
}

function byHost(attempts: readonly Attempt[]): ReadonlyMap<HostId, Attempt[]> {
  const hosts = new Map<HostId, Attempt[]>();
  for (const attempt of attempts) {
    const those = hosts.get(attempt.host);
    if (those) those.push(attempt);
    else hosts.set(attempt.host, [attempt]);
  }
  return hosts;
}
