import type {Memo} from '../model/attempt.ts';
import {type GrowingTotals, NO_TOTALS, noteEnded} from '../model/attempt-totals.ts';
import {type AgentId, type AttemptId, attemptId, type TeamId, teamId} from '../model/ids.ts';
import {
  MOST_PAST,
  type AgentRow,
  type EngineRecord,
  type HostRecord,
  type OpenAttempt,
  type PastAttempt,
  type StateRecord,
  type StoredState,
  type StoredTask,
  type StoredTeam,
} from '../model/record.ts';
import {withPlan} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';

type Growing<T> = {-readonly [K in keyof T]: T[K]};

interface TeamFold extends Growing<Omit<StoredTeam, 'agents' | 'tasks' | 'openAttempts' | 'past' | 'totals'>> {
  readonly agents: Map<AgentId, AgentRow>;
  readonly tasks: StoredTask[];
  readonly open: Map<AttemptId, OpenAttempt>;
  /** By attempt, in the order of the leases. */
  readonly past: Map<AttemptId, PastAttempt | null>;
  readonly totals: GrowingTotals;
}

const UNTRIED = {failures: 0, losses: 0, round: 1, attempts: 0};

/** A store whose disk is an array of transactions: what was committed is there after any crash, nothing else is. */
export class SimulatedStore {
  readonly #transactions: StateRecord[][] = [];

  commit(records: readonly EngineRecord[]): void {
    this.#transactions.push(records.filter(record => record.kind !== 'event'));
  }

  /** What a disk that lies about flushing would do to the newest transaction. Only broken variants use it. */
  loseNewest(): void {
    this.#transactions.pop();
  }

  loadTeam(id: TeamId): StoredTeam | null {
    return foldTeam(this.#transactions.flat(), id);
  }

  load(): StoredState {
    return foldRecords(this.#transactions.flat());
  }
}

/** What a store has of one team after these records, over or not. */
export function foldTeam(records: readonly StateRecord[], id: TeamId): StoredTeam | null {
  const {teams, finished} = fold(records);
  const team = teams.get(id) ?? finished.get(id);
  return team ? storedTeam(team) : null;
}

/** The state that a store shows after these records, in the order in which they were committed. */
export function foldRecords(records: readonly StateRecord[]): StoredState {
  const {teams, over, hosts, lastTeam, lastAttempt} = fold(records);
  return {
    nextTeamId: teamId(lastTeam + 1),
    nextAttemptId: attemptId(lastAttempt + 1),
    hosts: [...hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    teams: [...teams.values()].sort((a, b) => a.id - b.id).map(storedTeam),
    over: [...over.values()].sort((a, b) => a.teamId - b.teamId),
  };
}

interface Folded {
  readonly teams: ReadonlyMap<TeamId, TeamFold>;
  readonly finished: ReadonlyMap<TeamId, TeamFold>;
  readonly over: ReadonlyMap<TeamId, TeamView>;
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly lastTeam: number;
  readonly lastAttempt: number;
}

function fold(records: readonly StateRecord[]): Folded {
  const teams = new Map<TeamId, TeamFold>();
  const teamOf = new Map<AttemptId, TeamFold>();
  const hosts = new Map<string, HostRecord>();
  const over = new Map<TeamId, TeamView>();
  const finished = new Map<TeamId, TeamFold>();
  let lastTeam = 0;
  let lastAttempt = 0;
  for (const record of records) {
    switch (record.kind) {
      case 'team-created':
        lastTeam = Math.max(lastTeam, record.id);
        teams.set(record.id, newTeam(record));
        break;
      case 'team-state': {
        const team = teams.get(record.id);
        const {state, ending, timer} = record;
        if (team) Object.assign(team, {state, ending, ...(timer ? {timer} : {})});
        break;
      }
      case 'team-settings': {
        const team = teams.get(record.teamId);
        const {settings, budget} = record;
        if (team) Object.assign(team, {settings, ...(budget ? {budget} : {})});
        break;
      }
      case 'team-finished': {
        const team = teams.get(record.id);
        if (team) finished.set(record.id, Object.assign(team, {state: record.state}));
        teams.delete(record.id);
        over.set(record.id, record.view);
        break;
      }
      case 'team-revived': {
        const team = finished.get(record.id);
        const {state, startedAt, timer} = record;
        if (team) teams.set(record.id, Object.assign(team, {state, startedAt, timer, ending: null}));
        finished.delete(record.id);
        over.delete(record.id);
        break;
      }
      case 'plan-added': {
        const team = teams.get(record.teamId);
        if (team) team.spec = withPlan(team.spec, record);
        break;
      }
      case 'team-removed':
        over.delete(record.id);
        finished.delete(record.id);
        break;
      case 'agents':
        for (const agent of record.agents) teams.get(record.teamId)?.agents.set(agent.id, agent);
        break;
      case 'tasks-created':
        for (const task of record.tasks) {
          teams.get(record.teamId)?.tasks.push({...task, state: {name: 'waiting'}, ...UNTRIED});
        }
        break;
      case 'task-state': {
        const {seq, state, failures, losses, round, attempts, memo} = record;
        const tasks = teams.get(record.teamId)?.tasks;
        const task = tasks?.[seq];
        if (tasks && task) tasks[seq] = withMemo({...task, state, failures, losses, round, attempts}, memo);
        break;
      }
      case 'attempt-leased': {
        lastAttempt = Math.max(lastAttempt, record.id);
        const team = teams.get(record.teamId);
        if (team) {
          teamOf.set(record.id, team);
          team.totals.attempts += 1;
          team.open.set(record.id, openAttempt(record));
          team.past.set(record.id, null);
        }
        break;
      }
      case 'attempt-ended': {
        const team = teamOf.get(record.id);
        const ended = team?.open.get(record.id);
        const means = ended?.means;
        team?.open.delete(record.id);
        if (team && ended && record.outcome) team.past.set(record.id, pastAttempt(ended, record));
        if (team && record.outcome?.result.ok) noteLosers(team.open, record.id, ended?.twinOf);
        if (team) noteEnded(team.totals, {means, outcome: record.outcome});
        break;
      }
      case 'attempt-session': {
        const open = teamOf.get(record.id)?.open;
        const attempt = open?.get(record.id);
        if (open && attempt) open.set(record.id, {...attempt, session: record.session});
        break;
      }
      case 'host':
        if (record.host.gone) hosts.delete(record.host.id);
        else hosts.set(record.host.id, record.host);
        break;
    }
  }
  return {teams, finished, over, hosts, lastTeam, lastAttempt};
}

function storedTeam({open, past, totals, tasks, agents, ...team}: TeamFold): StoredTeam {
  return {
    ...team,
    agents: [...agents.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    tasks: [...tasks],
    openAttempts: [...open.values()],
    past: [...past.values()].filter(attempt => attempt !== null).slice(-MOST_PAST),
    totals: {...totals},
  };
}

function newTeam({id, spec, at}: Extract<StateRecord, {kind: 'team-created'}>): TeamFold {
  return {
    id,
    spec,
    isStandby: spec.plan === null,
    state: spec.plan ? 'running' : 'idle',
    ending: null,
    startedAt: at,
    agents: new Map(),
    tasks: [],
    open: new Map(),
    past: new Map(),
    totals: {...NO_TOTALS},
  };
}

/** Of two attempts at one task, the other one. */
function noteLosers(open: Map<AttemptId, OpenAttempt>, winner: AttemptId, twinOf: AttemptId | undefined): void {
  for (const [id, attempt] of open) {
    if (attempt.twinOf === winner || id === twinOf) open.set(id, {...attempt, hasLost: true});
  }
}

function openAttempt(record: Extract<StateRecord, {kind: 'attempt-leased'}>): OpenAttempt {
  const {id, task, number, agentId, hostId, atMs, means, twinOf} = record;
  const rest = {...(means ? {means} : {}), ...(twinOf === undefined ? {} : {twinOf})};
  return {id, task, number, agentId, hostId, leasedAtMs: atMs, ...rest};
}

function pastAttempt(
  {task, agentId, means}: OpenAttempt,
  {outcome, atMs}: Extract<StateRecord, {kind: 'attempt-ended'}>,
): PastAttempt | null {
  if (!outcome) return null;
  const {result, durationMs, usage} = outcome;
  return {task, agentId, endedAtMs: atMs, result, durationMs, usd: usage.usd, ...(means ? {means} : {})};
}

function withMemo(task: StoredTask, memo: Memo | undefined): StoredTask {
  if (memo) return {...task, memo};
  const {seq, id, specIndex, group, item, state, failures, losses, round, attempts} = task;
  return {seq, id, specIndex, group, item, state, failures, losses, round, attempts};
}
