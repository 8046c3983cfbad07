import type {CommandTask} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';

/** A task as a plan makes it, with what a test cares about given and the rest as it is by default. */
export function taskSpec(id: string, changes: Partial<CommandTask> = {}): CommandTask {
  return {
    id,
    run: 'true',
    expressions: {},
    needs: [],
    condition: 'success',
    retries: 0,
    priority: 0,
    env: {},
    continueOnError: false,
    ...changes,
  };
}

/** A team as somebody asked for it, likewise. */
export function teamSpec(changes: Partial<TeamSpec> = {}): TeamSpec {
  return {
    name: 'audit',
    count: 2,
    plan: null,
    cwd: '/tmp',
    umask: 0o022,
    env: {},
    secretNames: [],
    failFast: false,
    maxFailures: null,
    timeoutMs: null,
    traceId: '0'.repeat(32),
    ...changes,
  };
}
