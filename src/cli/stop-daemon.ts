import {sleep} from '../base/clock.ts';
import {readClock} from '../base/clock.ts';
import {GodelError} from '../model/failure.ts';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {isAlive} from '../os/process-identity.ts';
import {readDaemonFile} from '../project/daemon-file.ts';
import {must, type Project} from './connect.ts';

export interface Stopped {
  readonly wasRunning: boolean;
  /** The teams that were ended with it. */
  readonly teams: readonly string[];
  readonly text: string;
}

/** How long a daemon may take to end after it has agreed to. */
const LIMIT_MS = 30_000;
/** How long one that does not answer may take to show that it was ending, in milliseconds. */
const ENDING_MS = 3000;

/** Returns when the daemon's process has ended. That none is running is no failure. */
export async function stopDaemon({paths, visitor}: Project, {force}: {force: boolean}): Promise<Stopped> {
  const file = readDaemonFile(paths.daemonFile);
  if (file === null || !isAlive(file.process))
    return {wasRunning: false, teams: [], text: 'No daemon is running here.'};
  const asked = await visitor.stopDaemon({force});
  if (!asked.ok && asked.failure.reason === 'daemon-unreachable' && (await ends(file.process))) {
    return {wasRunning: true, teams: [], text: `The daemon (process ${file.process.pid}) has stopped.`};
  }
  const teams = must(asked);
  const deadline = readClock().monoMs + LIMIT_MS;
  while (isAlive(file.process)) {
    if (readClock().monoMs > deadline) throw new GodelError(stillThere(file.process.pid));
    await sleep(20);
  }
  const ended = teams.length === 0 ? '' : ` Ended with it: ${teams.join(', ')}.`;
  return {wasRunning: true, teams, text: `The daemon (process ${file.process.pid}) has stopped.${ended}`};
}

/** One that does not answer may be ending already, since somebody else has told it to. */
async function ends(process: ProcessIdentity): Promise<boolean> {
  const deadline = readClock().monoMs + ENDING_MS;
  while (isAlive(process) && readClock().monoMs < deadline) await sleep(20);
  return !isAlive(process);
}

function stillThere(pid: number) {
  const detail = `It agreed to stop, but its process ${pid} still lives after ${LIMIT_MS / 1000} s.`;
  return {reason: 'daemon-unreachable', detail, hint: `See \`godel daemon logs\`; \`kill ${pid}\` ends it.`} as const;
}
