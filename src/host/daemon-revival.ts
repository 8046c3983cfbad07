/** A daemon of which nobody knows that it is dead may only be restarting, and is back within this time. */
const PATIENCE_MS = 300;
const WINDOW_MS = 60_000;
const MAX_LAUNCHES = 5;
const FIRST_PAUSE_MS = 500;
/** A daemon that was there for so long did not fail at its start. */
const STARTED_MS = 2000;

/**
 * Whether a daemon that nobody can reach since `deadSinceMs` is to be started now: at once when its process is known to be
 * gone (should somebody else be starting the next one, the start lock sees to it that there is one). Each launch doubles the pause to the
 * next one; there are at most five in a minute, so that a daemon that crashes at its start is not started in a loop.
 */
export function shouldLaunch({
  deadSinceMs,
  isGone,
  launchesMs,
  nowMs,
}: {
  deadSinceMs: number;
  /** Its process is known to have ended. */
  isGone: boolean;
  launchesMs: readonly number[];
  nowMs: number;
}): boolean {
  if (!isGone && nowMs - deadSinceMs < PATIENCE_MS) return false;
  const recent = launchesMs.filter(launchMs => nowMs - launchMs < WINDOW_MS);
  const last = recent.at(-1);
  if (last === undefined) return true;
  return recent.length < MAX_LAUNCHES && nowMs - last >= FIRST_PAUSE_MS * 2 ** (recent.length - 1);
}

/**
 * The launches that still count after a connection of this length: none when the daemon had started well. One that is
 * killed now and then is brought back at once, each time.
 */
export function launchesAfter(launchesMs: readonly number[], connectedMs: number): readonly number[] {
  return connectedMs >= STARTED_MS ? [] : launchesMs;
}
