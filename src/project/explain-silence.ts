import type {Failure} from '../model/failure.ts';
import {isAlive, processState} from '../os/process-identity.ts';
import {readDaemonFile} from './daemon-file.ts';
import type {ProjectPaths} from './project-paths.ts';

/** Why the project's living daemon will not answer as things are: it was stopped. Null: it is busy, or gone. */
export function explainSilence({daemonFile}: Pick<ProjectPaths, 'daemonFile'>): Failure | null {
  const identity = readDaemonFile(daemonFile)?.process;
  if (!identity || !isAlive(identity)) return null;
  const {pid} = identity;
  const state = processState(pid);
  if (state !== 'T' && state !== 't') return null;
  return {
    reason: 'daemon-unreachable',
    detail: `Its process ${pid} is stopped (state ${state}) and does not answer.`,
    hint: `Let it go on with \`kill -CONT ${pid}\`; or end it with \`kill -KILL ${pid}\`, the next command starts a new one that goes on with the teams.`,
  };
}
