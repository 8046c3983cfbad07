import type {Now} from '../base/clock.ts';
import type {JsonValue} from '../base/json.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {StopReason} from '../model/failure.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {HostRecord, NewTask, StateRecord} from '../model/record.ts';
import {isTerminal, type TaskSpec, type TaskState} from '../model/task.ts';
import {isFinal, type TeamSpec, type TeamState} from '../model/team.ts';
import {hold} from './violation.ts';

export interface LedgerTask {
  readonly team: LedgerTeam;
  readonly seq: TaskSeq;
  readonly id: string;
  readonly spec: TaskSpec;
  readonly item: JsonValue;
  readonly group: LedgerTask | null;
  /** Of a `foreach` that has been expanded. */
  instances: readonly LedgerTask[] | null;
  /** How many of them have an open attempt. */
  openInstances: number;
  state: TaskState;
  failures: number;
  losses: number;
  open: LedgerAttempt | null;
  attempts: readonly LedgerAttempt[];
  /** When the delay before the next attempt is over, by the monotonic clock. */
  retryDueMs: number | null;
}

export interface LedgerAttempt {
  readonly id: AttemptId;
  readonly task: LedgerTask;
  readonly number: number;
  readonly agentId: AgentId;
  readonly hostId: HostId;
  /** Undefined while it is open; null when it was lost. */
  outcome: AttemptOutcome | null | undefined;
}

export interface LedgerTeam {
  readonly id: TeamId;
  readonly spec: TeamSpec;
  readonly tasks: LedgerTask[];
  /** The rows of the plan, by id. */
  readonly rows: Map<string, LedgerTask>;
  state: TeamState;
  ending: StopReason | null;
}

/**
 * An account of everything the engine has recorded, kept apart from the engine's own state and strict about what may
 * follow what. Records that were not committed can be taken back, as a crash does.
 */
export class Ledger {
  readonly teams = new Map<TeamId, LedgerTeam>();
  readonly attempts = new Map<AttemptId, LedgerAttempt>();
  readonly hosts = new Map<HostId, HostRecord>();
  readonly open = new Set<LedgerAttempt>();
  readonly busy = new Map<AgentId, LedgerAttempt>();
  readonly live = new Set<LedgerTeam>();
  readonly removed = new Set<TeamId>();
  /** Tasks that the records since `clearTouched` have changed. */
  readonly touched = new Set<LedgerTask>();
  #undo: (() => void)[] = [];
  #lastAttempt = 0;

  /** Records that no commit covers yet. */
  get uncommitted(): number {
    return this.#undo.length;
  }

  commit(): void {
    this.#undo = [];
  }

  rollback(): void {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
    this.touched.clear();
  }

  apply(record: StateRecord, now: Now): void {
    switch (record.kind) {
      case 'team-created':
        return this.#createTeam(record);
      case 'team-state': {
        const team = this.team(record.id);
        hold('a team that is over stays over', !isFinal(team.state), () => `${team.spec.name} is ${team.state}`);
        hold('a team ends for one reason', team.ending === null || team.ending === record.ending, () => team.spec.name);
        this.#set(team, 'state', record.state);
        return this.#set(team, 'ending', record.ending);
      }
      case 'team-finished': {
        const team = this.team(record.id);
        hold('a team ends once', !isFinal(team.state), () => `${team.spec.name} is ${team.state}`);
        hold('a team ends in a final state', isFinal(record.state), () => record.state);
        this.#set(team, 'state', record.state);
        return this.#remove(this.live, team);
      }
      case 'team-removed':
        hold('only a team that is over is removed', isFinal(this.team(record.id).state), () => `team ${record.id}`);
        hold('a team is removed once', !this.removed.has(record.id), () => `team ${record.id}`);
        return this.#insert(this.removed, record.id);
      case 'tasks-created':
        for (const task of record.tasks) this.#createTask(this.team(record.teamId), task);
        return;
      case 'task-state':
        return this.#changeTask(record, now);
      case 'attempt-leased':
        return this.#lease(record);
      case 'attempt-ended':
        return this.#endAttempt(record);
      case 'host':
        return this.#put(this.hosts, record.host.id, record.host);
    }
  }

  team(id: TeamId): LedgerTeam {
    const team = this.teams.get(id);
    hold('records are about known teams', team !== undefined, () => `team ${id}`);
    return team;
  }

  task(teamId: TeamId, seq: TaskSeq): LedgerTask {
    const task = this.team(teamId).tasks[seq];
    hold('records are about known tasks', task !== undefined, () => `team ${teamId}, task ${seq}`);
    return task;
  }

  #createTeam({id, spec}: Extract<StateRecord, {kind: 'team-created'}>): void {
    hold('team ids are used once', !this.teams.has(id), () => `team ${id}`);
    for (const other of this.teams.values()) {
      const taken = other.spec.name === spec.name && !this.removed.has(other.id);
      hold('team names are used once', !taken, () => spec.name);
    }
    const state = spec.plan ? 'running' : 'idle';
    const team: LedgerTeam = {id, spec, tasks: [], rows: new Map(), state, ending: null};
    this.#put(this.teams, id, team);
    this.#insert(this.live, team);
  }

  #createTask(team: LedgerTeam, {seq, id, specIndex, group: groupSeq, item}: NewTask): void {
    const spec = team.spec.plan?.tasks[specIndex];
    hold('tasks are numbered without gaps', seq === team.tasks.length, () => `${id} is ${seq} of ${team.tasks.length}`);
    hold('tasks come from the plan', spec !== undefined, () => id);
    const group = groupSeq === null ? null : this.task(team.id, groupSeq);
    const task: LedgerTask = {
      team,
      seq,
      id,
      spec,
      item,
      group,
      instances: null,
      openInstances: 0,
      state: {name: 'waiting'},
      failures: 0,
      losses: 0,
      open: null,
      attempts: [],
      retryDueMs: null,
    };
    team.tasks.push(task);
    this.#undo.push(() => team.tasks.pop());
    if (!group) this.#put(team.rows, id, task);
    else {
      this.#set(group, 'instances', [...(group.instances ?? []), task]);
      this.touched.add(group);
    }
    this.touched.add(task);
  }

  #changeTask({teamId, seq, state, failures, losses}: Extract<StateRecord, {kind: 'task-state'}>, now: Now): void {
    const task = this.task(teamId, seq);
    hold('a task ends in one state, recorded once', !isTerminal(task.state.name), () => {
      return `${task.id} is ${task.state.name} and is recorded as ${state.name}`;
    });
    hold('failures and losses only grow', failures >= task.failures && losses >= task.losses, () => task.id);
    if (state.name === 'expanded') this.#set(task, 'instances', task.instances ?? []);
    this.#set(task, 'state', state);
    this.#set(task, 'failures', failures);
    this.#set(task, 'losses', losses);
    const retryDueMs = state.name === 'backing-off' ? now.monoMs + state.untilWallMs - now.wallMs : null;
    this.#set(task, 'retryDueMs', retryDueMs);
    this.touched.add(task);
  }

  #lease({id, teamId, task: seq, number, agentId, hostId}: Extract<StateRecord, {kind: 'attempt-leased'}>): void {
    const task = this.task(teamId, seq);
    hold('fencing tokens increase', id > this.#lastAttempt, () => `${id} after ${this.#lastAttempt}`);
    hold('a finished task gets no attempt', !isTerminal(task.state.name), () => `${task.id} is ${task.state.name}`);
    hold('a task has one open attempt', task.open === null, () => `${task.id}: ${id} beside ${task.open?.id}`);
    hold('attempts are numbered in order', number === task.attempts.length + 1, () => `${task.id}: number ${number}`);
    const busyWith = this.busy.get(agentId);
    hold('an agent does one attempt at a time', !busyWith, () => `${agentId}: ${id} beside ${busyWith?.id}`);
    const attempt: LedgerAttempt = {id, task, number, agentId, hostId, outcome: undefined};
    const before = this.#lastAttempt;
    this.#lastAttempt = id;
    this.#undo.push(() => {
      this.#lastAttempt = before;
    });
    this.#put(this.attempts, id, attempt);
    this.#put(this.busy, agentId, attempt);
    this.#insert(this.open, attempt);
    this.#set(task, 'open', attempt);
    this.#set(task, 'state', {name: 'running', attempt: id});
    this.#set(task, 'attempts', [...task.attempts, attempt]);
    if (task.group) this.#set(task.group, 'openInstances', task.group.openInstances + 1);
    this.touched.add(task);
  }

  #endAttempt({id, outcome}: Extract<StateRecord, {kind: 'attempt-ended'}>): void {
    const attempt = this.attempts.get(id);
    hold('records are about known attempts', attempt !== undefined, () => `attempt ${id}`);
    hold('an attempt ends once', attempt.outcome === undefined, () => `attempt ${id}`);
    this.#set(attempt, 'outcome', outcome);
    this.#set(attempt.task, 'open', null);
    this.#remove(this.open, attempt);
    this.busy.delete(attempt.agentId);
    this.#undo.push(() => this.busy.set(attempt.agentId, attempt));
    const {group} = attempt.task;
    if (group) this.#set(group, 'openInstances', group.openInstances - 1);
    this.touched.add(attempt.task);
  }

  #set<T, K extends keyof T>(target: T, key: K, value: T[K]): void {
    const before = target[key];
    target[key] = value;
    this.#undo.push(() => {
      target[key] = before;
    });
  }

  #put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  #insert<T>(set: Set<T>, value: T): void {
    set.add(value);
    this.#undo.push(() => set.delete(value));
  }

  #remove<T>(set: Set<T>, value: T): void {
    set.delete(value);
    this.#undo.push(() => set.add(value));
  }
}
