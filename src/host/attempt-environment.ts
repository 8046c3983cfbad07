import {join} from 'node:path';
import {COOKIE_VARIABLE} from '../os/stray-processes.ts';
import type {AttemptOrder, TeamOpening} from '../wire/host-protocol.ts';

type Environment = Readonly<Record<string, string>>;

/** What would make a git that is started in a worktree work somewhere else; see `git rev-parse --local-env-vars`. */
const GIT_PLACES = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_NAMESPACE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_QUARANTINE_PATH',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
];

const MEMORIES_VARIABLE = 'GODEL_MEMORIES';

/** Shared by all attempts that nothing is handed to, so that what `GODEL_INPUTS` names always exists. */
export function emptyInputsFolderOf(team: TeamOpening): string {
  return join(team.folder, 'inputs', 'none');
}

export function inputsFolderOf(order: AttemptOrder, team: TeamOpening): string {
  return order.inputs.length === 0 ? emptyInputsFolderOf(team) : join(team.folder, 'inputs', String(order.attempt));
}

/** Beside the inputs, not among them: `"$GODEL_INPUTS"/*` must find nothing but outputs. */
export function memoriesFileOf(order: AttemptOrder, team: TeamOpening): string {
  return join(team.folder, 'inputs', `${order.attempt}.memories.json`);
}

export interface AttemptPlace {
  readonly team: TeamOpening;
  readonly hostId: string;
  readonly cookie: string;
  /** Where its programs start. */
  readonly cwd: string;
  /** Names of the secrets that they get. `all`: everything, as the commands that people have written do. */
  readonly secrets: 'all' | readonly string[];
}

/** The environment of an attempt's processes: the team's, over it the task's, over it what godel tells every task. */
export function attemptEnvironment(
  order: AttemptOrder,
  {team, hostId, cookie, cwd, secrets}: AttemptPlace,
): Record<string, string> {
  return {
    // A godel that a task of another team starts has that task's variables: its memories are not these.
    ...without(secrets === 'all' ? team.env : environmentWith(team, secrets), [
      MEMORIES_VARIABLE,
      ...(order.workspace ? GIT_PLACES : []),
    ]),
    // The team's own PWD is where its caller stood; without a shell nobody would correct it.
    PWD: cwd,
    ...order.env,
    GODEL_TEAM: team.name,
    GODEL_TASK_ID: order.task,
    GODEL_AGENT_ID: order.agent,
    GODEL_ATTEMPT: String(order.number),
    GODEL_HOST: hostId,
    GODEL_INPUTS: inputsFolderOf(order, team),
    ...(order.memories !== undefined && {[MEMORIES_VARIABLE]: memoriesFileOf(order, team)}),
    ...(order.work.kind === 'prompt' && {GODEL_SPAWN: spawnToken(team)}),
    [COOKIE_VARIABLE]: cookie,
    TRACEPARENT: order.traceparent,
  };
}

/** Secrets that people have given to agents by name: `secret:NAME`. */
export function grantedSecrets({allow}: TeamOpening): readonly string[] {
  return (allow ?? []).flatMap(item => (item.startsWith('secret:') ? [item.slice('secret:'.length).trim()] : []));
}

/** The team's environment as a program of its agents finds it before any task: without other secrets than these. */
export function environmentWith({env, secrets}: TeamOpening, granted: readonly string[]): Environment {
  return without(
    env,
    (secrets ?? []).filter(name => !granted.includes(name)),
  );
}

/** Tells a godel that an agent starts whether it may spawn a team, and how deep that one would be. */
function spawnToken({allow, depth}: TeamOpening): string {
  return allow?.includes('spawn') ? String((depth ?? 0) + 1) : 'refused';
}

function without(env: Environment, names: readonly string[]): Environment {
  if (names.length === 0) return env;
  const left = new Set(names);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !left.has(name)));
}
