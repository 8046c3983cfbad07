import type {Database} from 'better-sqlite3';
import type {JsonValue} from '../../base/json.ts';
import type {Memo} from '../../model/attempt.ts';
import type {AttemptId, TaskSeq, TeamId} from '../../model/ids.ts';
import type {NewTask, StateRecord} from '../../model/record.ts';
import type {TaskQuery, TaskRow} from '../../model/row.ts';
import type {OpenLease} from './attempt-table.ts';
import {
  codeOf,
  detailOf,
  FIRST_TERMINAL,
  LAST_TERMINAL,
  maskOf,
  RUNNING,
  type StateDetail,
  stateOf,
  VERIFYING,
} from './task-state-code.ts';

const CREATE = 'INSERT INTO tasks (team, seq, id, spec_index, group_seq, item) VALUES (?, ?, ?, ?, ?, ?)';

const SET_STATE = `INSERT INTO task_states (team, seq, state, failures, losses, round, attempts, detail, memo)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    state = excluded.state, failures = excluded.failures, losses = excluded.losses, round = excluded.round,
    attempts = excluded.attempts, detail = excluded.detail, memo = excluded.memo
  WHERE state < ${FIRST_TERMINAL} OR state > ${LAST_TERMINAL} OR excluded.round > round`;

/** @open: JSON of [seq, attempt] for each leased task. It runs, unless something later than that was recorded. */
const LIST = `WITH open (seq, attempt) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(@open))
  SELECT tasks.seq, id, spec_index, group_seq, item, failures, losses, round, attempts, memo,
    CASE WHEN attempt IS NULL THEN coalesce(state, 0) ELSE ${RUNNING} END AS state, coalesce(attempt, detail) AS detail
  FROM tasks LEFT JOIN task_states ON task_states.team = tasks.team AND task_states.seq = tasks.seq
    LEFT JOIN open ON open.seq = tasks.seq AND coalesce(state, 0) < ${VERIFYING}
  WHERE tasks.team = @team AND tasks.seq > @after AND (@id IS NULL OR id = @id)
    AND (1 << CASE WHEN attempt IS NULL THEN coalesce(state, 0) ELSE ${RUNNING} END) & @mask
  ORDER BY tasks.seq LIMIT @limit`;

const REMOVE = ['DELETE FROM tasks WHERE team = ?', 'DELETE FROM task_states WHERE team = ?'];

const EVERY_STATE = -1;
const NO_LIMIT = -1;

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly spec_index: number;
  readonly group_seq: number | null;
  readonly item: string | null;
  readonly state: number;
  readonly failures: number | null;
  readonly losses: number | null;
  readonly round: number | null;
  readonly attempts: number | null;
  readonly memo: string | null;
  readonly detail: StateDetail;
}

/** Tasks and where they stand. A task without a state row waits. */
export class TaskTable {
  readonly #create;
  readonly #setState;
  readonly #list;
  readonly #remove;

  constructor(db: Database) {
    this.#create = db.prepare<[number, number, string, number, number | null, string | null]>(CREATE);
    this.#setState =
      db.prepare<[number, number, number, number, number, number, number, StateDetail, string | null]>(SET_STATE);
    this.#list = db.prepare<[Record<string, number | string | null>], Row>(LIST);
    this.#remove = REMOVE.map(sql => db.prepare<[number]>(sql));
  }

  create(team: TeamId, tasks: readonly NewTask[]): void {
    for (const {seq, id, specIndex, group, item} of tasks) {
      this.#create.run(team, seq, id, specIndex, group, group === null ? null : JSON.stringify(item));
    }
  }

  setState(record: Extract<StateRecord, {kind: 'task-state'}>): void {
    const {teamId, seq, state, failures, losses, round, attempts, memo} = record;
    const kept = memo ? JSON.stringify(memo) : null;
    const code = codeOf(state.name);
    const {changes} = this.#setState.run(teamId, seq, code, failures, losses, round, attempts, detailOf(state), kept);
    if (changes === 0)
      throw new Error(`Internal error: task ${seq} of team ${teamId} is over and cannot be ${state.name}`);
  }

  /** The tasks as they were recorded. */
  recorded(team: TeamId): readonly TaskRow[] {
    return this.list(team, {}, []);
  }

  /** The tasks as they stand: those in `open` run. */
  list(team: TeamId, {states, id, after, limit}: TaskQuery, open: readonly OpenLease[]): readonly TaskRow[] {
    const rows = this.#list.all({
      team,
      open: JSON.stringify([...firstLeases(open)]),
      after: after ?? -1,
      id: id ?? null,
      mask: states === undefined ? EVERY_STATE : maskOf(states),
      limit: limit ?? NO_LIMIT,
    });
    return rows.map(taskOf);
  }

  remove(team: TeamId): void {
    for (const statement of this.#remove) statement.run(team);
  }
}

/** Of tasks with two attempts at a time, the earlier one. */
function firstLeases(open: readonly OpenLease[]): ReadonlyMap<TaskSeq, AttemptId> {
  const leases = new Map<TaskSeq, AttemptId>();
  for (const {task, attempt} of open) leases.set(task, Math.min(leases.get(task) ?? attempt, attempt) as AttemptId);
  return leases;
}

/** The casts brand numbers and name JSON that this file has written. */
function taskOf(row: Row): TaskRow {
  return {
    seq: row.seq as TaskSeq,
    id: row.id,
    specIndex: row.spec_index,
    group: row.group_seq as TaskSeq | null,
    item: row.item === null ? null : (JSON.parse(row.item) as JsonValue),
    state: stateOf(row.state, row.detail),
    failures: row.failures ?? 0,
    losses: row.losses ?? 0,
    round: row.round ?? 1,
    attempts: row.attempts ?? 0,
    ...(row.memo === null ? {} : {memo: JSON.parse(row.memo) as Memo}),
  };
}
