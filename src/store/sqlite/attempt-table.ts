import type {Database} from 'better-sqlite3';
import type {AttemptOutcome, SessionMark} from '../../model/attempt.ts';
import type {Failure} from '../../model/failure.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../../model/ids.ts';
import {type AttemptTotals, NO_TOTALS} from '../../model/attempt-totals.ts';
import type {AttemptMeans} from '../../model/attempt-means.ts';
import {MOST_PAST, type OpenAttempt, type PastAttempt, type StateRecord} from '../../model/record.ts';
import type {AttemptRow} from '../../model/row.ts';
import type {Meta} from './meta.ts';

const LEASE =
  'INSERT INTO attempts (team, id, task, number, agent, host, leased_at_ms, means, twin_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';

const SESSION = 'UPDATE attempts SET session = ? WHERE team = ? AND id = ?';

const END = `UPDATE attempts SET ended_at_ms = ?, duration_ms = ?, failure = ?, cpu_seconds = ?, max_rss_bytes = ?,
    usd = ?, input_tokens = ?, output_tokens = ?, cache_read_tokens = ?, cache_write_tokens = ?, output_bytes = ?,
    result = ?
  WHERE team = ? AND id = ? AND ended_at_ms IS NULL`;

/** Succeeded: ended, with a duration, and without a failure. */
const OPEN_OF_TEAM = `SELECT id, task, number, agent, host, leased_at_ms, means, session, twin_of,
    EXISTS (SELECT 1 FROM attempts AS other WHERE other.team = attempts.team
      AND (other.id = attempts.twin_of OR other.twin_of = attempts.id)
      AND other.duration_ms IS NOT NULL AND other.failure IS NULL) AS has_lost
  FROM attempts WHERE team = ? AND ended_at_ms IS NULL ORDER BY id`;

const OPEN = `SELECT attempts.id AS attempt, team, task FROM teams JOIN attempts ON team = teams.id
  WHERE teams.ended_at_ms IS NULL AND attempts.ended_at_ms IS NULL`;

const TOTALS = `SELECT count(*) AS attempts, coalesce(sum(duration_ms), 0) AS busyMs, sum(cpu_seconds) AS cpuSeconds,
    max(max_rss_bytes) AS maxRssBytes, sum(usd) AS usd, sum(input_tokens) AS inputTokens,
    sum(output_tokens) AS outputTokens, sum(cache_read_tokens) AS cacheReadTokens,
    sum(cache_write_tokens) AS cacheWriteTokens,
    coalesce(sum(means ->> '$.cap.usd') FILTER (WHERE ended_at_ms IS NOT NULL AND usd IS NULL), 0) AS unsettledUsd,
    coalesce(sum(means ->> '$.cap.tokens')
      FILTER (WHERE ended_at_ms IS NOT NULL AND input_tokens IS NULL AND output_tokens IS NULL), 0) AS unsettledTokens,
    count(*) FILTER (WHERE means IS NOT NULL AND ended_at_ms IS NOT NULL AND usd IS NULL) AS unpriced
  FROM attempts WHERE team = ?`;

const LIST = `SELECT attempts.*, tasks.id AS task_id
  FROM attempts LEFT JOIN tasks ON tasks.team = attempts.team AND tasks.seq = attempts.task
  WHERE attempts.team = @team AND (@task IS NULL OR attempts.task = @task) ORDER BY attempts.id`;

const PAST = `SELECT task, agent, ended_at_ms, duration_ms, failure, usd, means FROM attempts
  WHERE team = ? AND duration_ms IS NOT NULL ORDER BY id DESC LIMIT ${MOST_PAST}`;

const LAST_OF_TEAM = 'SELECT max(id) FROM attempts WHERE team = ?';
const LAST = 'SELECT max((SELECT max(attempts.id) FROM attempts WHERE team = teams.id)) FROM teams';
const REMOVE = 'DELETE FROM attempts WHERE team = ?';

interface OpenRow {
  readonly id: number;
  readonly task: number;
  readonly number: number;
  readonly agent: string;
  readonly host: string;
  readonly leased_at_ms: number;
  readonly means: string | null;
  readonly session: string | null;
  readonly twin_of: number | null;
  readonly has_lost?: number;
}

interface Row extends OpenRow {
  readonly team: number;
  readonly task_id: string;
  readonly ended_at_ms: number | null;
  /** null exactly when there is no outcome. */
  readonly duration_ms: number | null;
  /** null when the attempt succeeded or has no outcome. */
  readonly failure: string | null;
  readonly cpu_seconds: number | null;
  readonly max_rss_bytes: number | null;
  readonly usd: number | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_bytes: number | null;
  /** What coding agents leave: an object of `work`, `warnings` and `verdict`, where there is any of it. */
  readonly result: string | null;
}

type PastRow = Pick<Row, 'task' | 'agent' | 'failure' | 'usd' | 'means'> & {
  readonly ended_at_ms: number;
  readonly duration_ms: number;
};

type N = number | null;

type LeftBehind = Pick<AttemptOutcome, 'work' | 'warnings' | 'verdict'>;

/** What is not known of an attempt that was lost. */
const NOTHING = [null, null, null, null, null, null, null, null, null, null, null] as const;

/** Which task an open attempt works on. */
export interface OpenLease {
  readonly attempt: AttemptId;
  readonly team: TeamId;
  readonly task: TaskSeq;
}

/** Attempts of all teams. Which are open is also kept in memory, since an end names only the attempt, and the list of tasks shows who runs. */
export class AttemptTable {
  readonly #meta: Meta;
  readonly #lease;
  readonly #session;
  readonly #end;
  readonly #readOpen;
  readonly #openOfTeam;
  readonly #past;
  readonly #totals;
  readonly #list;
  readonly #lastOfTeam;
  readonly #last;
  readonly #remove;
  #leases: Map<AttemptId, OpenLease> | null = null;

  constructor(db: Database, meta: Meta) {
    this.#meta = meta;
    this.#lease = db.prepare<[number, number, number, number, string, string, number, string | null, N]>(LEASE);
    this.#session = db.prepare<[string, number, number]>(SESSION);
    this.#end = db.prepare<[number, N, string | null, N, N, N, N, N, N, N, N, string | null, number, number]>(END);
    this.#readOpen = db.prepare<[], OpenLease>(OPEN);
    this.#openOfTeam = db.prepare<[number], OpenRow>(OPEN_OF_TEAM);
    this.#past = db.prepare<[number], PastRow>(PAST);
    this.#totals = db.prepare<[number], AttemptTotals>(TOTALS);
    this.#list = db.prepare<[{team: number; task: N}], Row>(LIST);
    this.#lastOfTeam = db.prepare<[number], N>(LAST_OF_TEAM).pluck();
    this.#last = db.prepare<[], N>(LAST).pluck();
    this.#remove = db.prepare<[number]>(REMOVE);
  }

  lease(record: Extract<StateRecord, {kind: 'attempt-leased'}>): void {
    const {id, teamId, task, number, agentId, hostId, atMs, means, twinOf} = record;
    const kept = means ? JSON.stringify(means) : null;
    this.#lease.run(teamId, id, task, number, agentId, hostId, atMs, kept, twinOf ?? null);
    this.#open().set(id, {attempt: id, team: teamId, task});
  }

  noteSession({id, session}: Extract<StateRecord, {kind: 'attempt-session'}>): void {
    const team = this.#open().get(id)?.team;
    if (team === undefined) throw new Error(`Internal error: attempt ${id} has a session but is not open`);
    this.#session.run(JSON.stringify(session), team, id);
  }

  end({id, outcome, atMs}: Extract<StateRecord, {kind: 'attempt-ended'}>): void {
    const open = this.#open();
    const team = open.get(id)?.team;
    if (team === undefined) throw new Error(`Internal error: attempt ${id} ends but is not open`);
    if (this.#write(team, id, outcome, atMs) === 0) throw new Error(`Internal error: attempt ${id} has ended already`);
    open.delete(id);
  }

  openOf(team: TeamId): readonly OpenAttempt[] {
    return this.#openOfTeam.all(team).map(openOf);
  }

  pastOf(team: TeamId): readonly PastAttempt[] {
    return this.#past.all(team).map(pastOf).reverse();
  }

  leasesOf(team: TeamId): readonly OpenLease[] {
    return [...this.#open().values()].filter(lease => lease.team === team);
  }

  totalsOf(team: TeamId): AttemptTotals {
    return this.#totals.get(team) ?? NO_TOTALS;
  }

  list(team: TeamId, task: TaskSeq | undefined): readonly AttemptRow[] {
    return this.#list.all({team, task: task ?? null}).map(attemptOf);
  }

  /** Greater than the id of any attempt there ever was. */
  next(): number {
    return Math.max(this.#meta.mark('last_attempt'), this.#last.get() ?? 0) + 1;
  }

  remove(team: TeamId): void {
    this.#meta.raise('last_attempt', this.#lastOfTeam.get(team) ?? 0);
    this.#remove.run(team);
    for (const {attempt} of this.leasesOf(team)) this.#open().delete(attempt);
  }

  /** The transaction is undone: what memory says of it is wrong and read again when needed. */
  forget(): void {
    this.#leases = null;
  }

  #open(): Map<AttemptId, OpenLease> {
    this.#leases ??= new Map(this.#readOpen.all().map(lease => [lease.attempt, lease]));
    return this.#leases;
  }

  #write(team: TeamId, id: AttemptId, outcome: AttemptOutcome | null, atMs: number): number {
    if (outcome === null) return this.#end.run(atMs, ...NOTHING, team, id).changes;
    const {result, durationMs, usage, outputBytes} = outcome;
    const failure = result.ok ? null : JSON.stringify(result.failure);
    const {cpuSeconds, maxRssBytes, usd, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens} = usage;
    return this.#end.run(
      atMs,
      durationMs,
      failure,
      cpuSeconds,
      maxRssBytes,
      usd,
      inputTokens,
      outputTokens,
      cacheReadTokens,
      cacheWriteTokens,
      outputBytes,
      leftBehind(outcome),
      team,
      id,
    ).changes;
  }
}

function leftBehind({work, warnings, verdict}: AttemptOutcome): string | null {
  if (!work && warnings === undefined && verdict === undefined) return null;
  return JSON.stringify({work: work ?? undefined, warnings, verdict} satisfies Record<keyof LeftBehind, unknown>);
}

function pastOf({task, agent, ended_at_ms, duration_ms, failure, usd, means}: PastRow): PastAttempt {
  return {
    task: task as TaskSeq,
    agentId: agent as AgentId,
    endedAtMs: ended_at_ms,
    result: failure === null ? {ok: true} : {ok: false, failure: JSON.parse(failure) as Failure},
    durationMs: duration_ms,
    usd,
    ...(means === null ? {} : {means: JSON.parse(means) as AttemptMeans}),
  };
}

/** The casts here and above brand what this file has written, and name its JSON. */
function openOf(row: OpenRow): OpenAttempt {
  return {
    id: row.id as AttemptId,
    task: row.task as TaskSeq,
    number: row.number,
    agentId: row.agent as AgentId,
    hostId: row.host as HostId,
    leasedAtMs: row.leased_at_ms,
    ...(row.means === null ? {} : {means: JSON.parse(row.means) as AttemptMeans}),
    ...(row.session === null ? {} : {session: JSON.parse(row.session) as SessionMark}),
    ...(row.twin_of === null ? {} : {twinOf: row.twin_of as AttemptId}),
    ...(row.has_lost === 1 ? {hasLost: true} : {}),
  };
}

function attemptOf(row: Row): AttemptRow {
  return {
    ...openOf(row),
    teamId: row.team as TeamId,
    taskId: row.task_id,
    endedAtMs: row.ended_at_ms,
    outcome: outcomeOf(row),
  };
}

function outcomeOf(row: Row): AttemptOutcome | null {
  if (row.duration_ms === null) return null;
  return {
    result: row.failure === null ? {ok: true} : {ok: false, failure: JSON.parse(row.failure) as Failure},
    durationMs: row.duration_ms,
    usage: {
      cpuSeconds: row.cpu_seconds,
      maxRssBytes: row.max_rss_bytes,
      usd: row.usd,
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      cacheReadTokens: row.cache_read_tokens,
      cacheWriteTokens: row.cache_write_tokens,
    },
    outputBytes: row.output_bytes,
    ...(row.result === null ? {} : (JSON.parse(row.result) as LeftBehind)),
  };
}
