import {join} from 'node:path';
import {COOKIE_VARIABLE} from '../os/stray-processes.ts';
import type {AttemptOrder, TeamOpening} from '../wire/host-protocol.ts';

/** Shared by all attempts that nothing is handed to, so that what `GODEL_INPUTS` names always exists. */
export function emptyInputsFolderOf(team: TeamOpening): string {
  return join(team.folder, 'inputs', 'none');
}

export function inputsFolderOf(order: AttemptOrder, team: TeamOpening): string {
  return order.inputs.length === 0 ? emptyInputsFolderOf(team) : join(team.folder, 'inputs', String(order.attempt));
}

/** The environment of an attempt's processes: the team's, over it the task's, over it what godel tells every task. */
export function attemptEnvironment(
  order: AttemptOrder,
  {team, hostId, cookie}: {team: TeamOpening; hostId: string; cookie: string},
): Record<string, string> {
  return {
    ...team.env,
    // The team's own PWD is where its caller stood; without a shell nobody would correct it.
    PWD: order.cwd,
    ...order.env,
    GODEL_TEAM: team.name,
    GODEL_TASK_ID: order.task,
    GODEL_AGENT_ID: order.agent,
    GODEL_ATTEMPT: String(order.number),
    GODEL_HOST: hostId,
    GODEL_INPUTS: inputsFolderOf(order, team),
    [COOKIE_VARIABLE]: cookie,
    TRACEPARENT: order.traceparent,
  };
}
