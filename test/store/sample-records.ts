import type {JsonValue} from '../../src/base/json.ts';
import type {AgentStanding} from '../../src/model/agent.ts';
import {DEFAULT_SETTINGS, type TeamSettings} from '../../src/model/autoscale.ts';
import type {Budget} from '../../src/model/budget.ts';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {EventBody} from '../../src/model/event.ts';
import {type AgentId, agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {AttemptMeans} from '../../src/model/attempt-means.ts';
import type {EngineRecord, NewTask} from '../../src/model/record.ts';
import type {TaskSpec, TaskState} from '../../src/model/task.ts';
import type {TeamSpec, TeamState} from '../../src/model/team.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import type {TeamRepository} from '../../src/model/work.ts';
import {taskSpec, teamSpec} from '../model/fabricated-specs.ts';

/** Records as an engine would make them, with what a test cares about given and the rest filled in. */
export const check = taskSpec('check');

export function spec(changes: Partial<TeamSpec> = {}): TeamSpec {
  return teamSpec({
    plan: {name: 'audit', env: {LEVEL: 'strict'}, tasks: [check]},
    cwd: '/tmp/ünï code',
    env: {PATH: '/bin'},
    secretNames: ['TOKEN'],
    ...changes,
  });
}

export function created(team: number, changes?: Partial<TeamSpec>): EngineRecord {
  return {
    kind: 'team-created',
    id: teamId(team),
    spec: spec(changes),
    at: {wallMs: 1_700_000_000_000, monoMs: 12.5, bootId: 'boot'},
  };
}

export function task(seq: number, changes: Partial<NewTask> = {}): NewTask {
  return {seq: taskSeq(seq), id: `task-${seq}`, specIndex: 0, group: null, item: null, ...changes};
}

export function instance(seq: number, item: JsonValue): NewTask {
  return task(seq, {group: taskSeq(0), item});
}

export function tasksCreated(team: number, tasks: readonly NewTask[]): EngineRecord {
  return {kind: 'tasks-created', teamId: teamId(team), tasks};
}

export function stateOf(
  team: number,
  seq: number,
  state: TaskState,
  failures = 0,
  losses = 0,
  {round = 1, attempts = 0}: {round?: number; attempts?: number} = {},
): EngineRecord {
  return {kind: 'task-state', teamId: teamId(team), seq: taskSeq(seq), state, failures, losses, round, attempts};
}

export function settings(team: number, changes: Partial<TeamSettings> = {}, budget?: Budget): EngineRecord {
  const changed = {...DEFAULT_SETTINGS, ...changes};
  return {kind: 'team-settings', teamId: teamId(team), settings: changed, ...(budget ? {budget} : {})};
}

export function leased(
  team: number,
  seq: number,
  attempt: number,
  number = 1,
  changes: {agentId?: AgentId; means?: AttemptMeans} = {},
): EngineRecord {
  return {
    kind: 'attempt-leased',
    id: attemptId(attempt),
    teamId: teamId(team),
    task: taskSeq(seq),
    number,
    agentId: agentId('audit-01'),
    hostId: hostId('h1'),
    atMs: 1_700_000_000_500,
    ...changes,
  };
}

export function agents(team: number, ...rows: {id: string; standing: AgentStanding}[]): EngineRecord {
  const agentRows = rows.map(({id, standing}) => ({id: agentId(id), group: 0, standing}));
  return {kind: 'agents', teamId: teamId(team), agents: agentRows};
}

/** What a prompt is done with. */
export function means(runtime: string, model: string | null, cap: AttemptMeans['cap']): AttemptMeans {
  return {runtime, model, provider: runtime, cap};
}

export function ended(attempt: number, outcome: AttemptOutcome | null): EngineRecord {
  return {kind: 'attempt-ended', id: attemptId(attempt), outcome, atMs: 1_700_000_001_000};
}

export function success(changes: Partial<AttemptOutcome> = {}): AttemptOutcome {
  return {result: {ok: true}, durationMs: 12, usage: UNKNOWN_USAGE, outputBytes: null, ...changes};
}

export function finished(team: number, state: TeamState = 'succeeded'): EngineRecord {
  return {kind: 'team-finished', id: teamId(team), state, atMs: 1_700_000_009_000, view: view(team, state)};
}

export function revived(team: number): EngineRecord {
  const startedAt = {wallMs: 1_700_000_000_001, monoMs: 77.5, bootId: 'other'};
  return {kind: 'team-revived', id: teamId(team), state: 'running', startedAt, timer: {usedMs: 0, since: startedAt}};
}

export const REPOSITORY: TeamRepository = {
  root: '/tmp/ünï code',
  gitFolder: '/tmp/ünï code/.git',
  prefix: 'packages/a/',
  base: '0'.repeat(40),
  branch: 'godel/audit',
  checkedOut: 'main',
  dirtyFiles: 2,
};

export function planAdded(
  team: number,
  tasks: readonly TaskSpec[],
  {secretNames = [], repository}: {secretNames?: readonly string[]; repository?: TeamRepository} = {},
): EngineRecord {
  const plan = {name: 'more', env: {LEVEL: 'high'}, tasks};
  return {kind: 'plan-added', teamId: teamId(team), plan, secretNames, ...(repository ? {repository} : {})};
}

export function removed(team: number): EngineRecord {
  return {kind: 'team-removed', id: teamId(team)};
}

export function event(team: number | null, body: EventBody = {type: 'team-ready', agents: 1}): EngineRecord {
  return {kind: 'event', event: {teamId: team === null ? null : teamId(team), atMs: 1_700_000_000_100, body}};
}

export function host(id: string, gone = false): EngineRecord {
  const process = {pid: 4711, startTime: '998877', bootId: 'b00t'};
  return {kind: 'host', host: {id: hostId(id), machineId: 'm1', process, gone}};
}

function view(team: number, state: TeamState): TeamView {
  return {
    v: 1,
    team: 'audit',
    teamId: teamId(team),
    state,
    agents: {requested: 2, ready: 0, busy: 0, starting: 0, failed: 0},
    tasks: {
      total: 0,
      waiting: 0,
      ready: 0,
      running: 0,
      verifying: 0,
      reviewing: 0,
      merging: 0,
      succeeded: 0,
      failed: 0,
      skipped: 0,
      cancelled: 0,
    },
    attempts: 0,
    retries: 0,
    startedAtMs: 1_700_000_000_000,
    durationMs: 9000,
    meanBusyAgents: null,
    usage: UNKNOWN_USAGE,
    waiting: [],
    running: [],
    failures: [],
    traceId: '0'.repeat(32),
    endedBecause: null,
    repository: null,
    budget: null,
    warnings: [],
    outcome: 'ok',
  };
}
