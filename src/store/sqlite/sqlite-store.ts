import {randomUUID} from 'node:crypto';
import type {Database} from 'better-sqlite3';
import {never} from '../../base/never.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Costs} from '../../model/cost-view.ts';
import type {StoredEvent} from '../../model/event.ts';
import {type Failure, GodelError} from '../../model/failure.ts';
import {attemptId, type TaskSeq, type TeamId, teamId} from '../../model/ids.ts';
import type {EngineRecord, StateRecord, StoredState, StoredTeam} from '../../model/record.ts';
import type {AttemptRow, TaskQuery, TaskRow, TeamRow} from '../../model/row.ts';
import type {Store} from '../store.ts';
import {AgentTable} from './agent-table.ts';
import {AttemptTable} from './attempt-table.ts';
import {CostQuery} from './cost-query.ts';
import {EventJournal} from './event-journal.ts';
import {HostTable} from './host-table.ts';
import {Meta} from './meta.ts';
import {openDatabase, readFilesystemType} from './open-database.ts';
import {storeFailure} from './sqlite-failure.ts';
import {TaskTable} from './task-table.ts';
import {TeamTable, type WholeTeam} from './team-table.ts';

export interface SqliteStoreOptions {
  /** Absolute path of the database; its folder exists. */
  readonly file: string;
  /** The statfs type of a folder, to refuse network file systems. */
  readonly filesystemType?: (folder: string) => number;
}

/** Opens the store, making it when there is none. It is ours alone until it is closed or the process ends. */
export function openSqliteStore({
  file,
  filesystemType = readFilesystemType,
}: SqliteStoreOptions): Result<Store, Failure> {
  const opened = openDatabase({file, filesystemType});
  if (!opened.ok) return opened;
  try {
    return ok(new SqliteStore(opened.value, file));
  } catch (error) {
    opened.value.close();
    const failure = storeFailure(error, file);
    if (failure === null) throw error;
    return fail(failure);
  }
}

class SqliteStore implements Store {
  readonly id: string;
  readonly #db: Database;
  readonly #file: string;
  readonly #begin;
  readonly #end;
  readonly #hosts: HostTable;
  readonly #teams: TeamTable;
  readonly #agents: AgentTable;
  readonly #tasks: TaskTable;
  readonly #attempts: AttemptTable;
  readonly #costs: CostQuery;
  readonly #events: EventJournal;

  constructor(db: Database, file: string) {
    this.#db = db;
    this.#file = file;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#end = db.prepare('COMMIT');
    const meta = new Meta(db);
    this.#hosts = new HostTable(db);
    this.#teams = new TeamTable(db, meta);
    this.#agents = new AgentTable(db);
    this.#tasks = new TaskTable(db);
    this.#attempts = new AttemptTable(db, meta);
    this.#costs = new CostQuery(db);
    this.#events = new EventJournal(db, meta);
    this.id = meta.storeId(randomUUID());
  }

  commit(records: readonly EngineRecord[]): readonly StoredEvent[] {
    if (records.length === 0) return [];
    return this.#transaction(() => {
      const stored: StoredEvent[] = [];
      for (const record of records) {
        if (record.kind === 'event') stored.push(this.#events.append(record.event));
        else this.#write(record);
      }
      this.#events.flush();
      return stored;
    });
  }

  load(): StoredState {
    return this.#reading(() => ({
      nextTeamId: teamId(this.#teams.next()),
      nextAttemptId: attemptId(this.#attempts.next()),
      hosts: this.#hosts.list(),
      teams: this.#teams.active().map(team => this.#complete(team)),
      over: this.#teams.over(),
    }));
  }

  loadTeam(id: TeamId): StoredTeam | null {
    return this.#reading(() => {
      const team = this.#teams.one(id);
      return team && this.#complete(team);
    });
  }

  #complete(team: WholeTeam): StoredTeam {
    return {
      ...team,
      agents: this.#agents.of(team.id),
      tasks: this.#tasks.recorded(team.id),
      openAttempts: this.#attempts.openOf(team.id),
      past: this.#attempts.pastOf(team.id),
      totals: this.#attempts.totalsOf(team.id),
    };
  }

  teams(): readonly TeamRow[] {
    return this.#reading(() => this.#teams.list());
  }

  tasks(team: TeamId, query: TaskQuery = {}): readonly TaskRow[] {
    return this.#reading(() => this.#tasks.list(team, query, this.#attempts.leasesOf(team)));
  }

  attempts(team: TeamId, task?: TaskSeq): readonly AttemptRow[] {
    return this.#reading(() => this.#attempts.list(team, task));
  }

  cost(team: TeamId): Costs {
    return this.#reading(() => this.#costs.costs(team));
  }

  events(query: {readonly teamId?: TeamId; readonly after: number; readonly limit: number}): readonly StoredEvent[] {
    return this.#reading(() => this.#events.list(query));
  }

  trimEvents(keep: number): number {
    return this.#transaction(() => this.#events.trim(keep));
  }

  close(): void {
    this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(record: StateRecord): void {
    switch (record.kind) {
      case 'attempt-leased':
        this.#attempts.lease(record);
        return;
      case 'attempt-session':
        this.#attempts.noteSession(record);
        return;
      case 'attempt-ended':
        this.#attempts.end(record);
        return;
      case 'task-state':
        this.#tasks.setState(record);
        return;
      case 'agents':
        this.#agents.set(record);
        return;
      case 'tasks-created':
        this.#tasks.create(record.teamId, record.tasks);
        return;
      case 'team-created':
        this.#teams.create(record);
        return;
      case 'team-state':
        this.#teams.setState(record);
        return;
      case 'team-settings':
        this.#teams.setSettings(record);
        return;
      case 'team-finished':
        this.#teams.finish(record);
        return;
      case 'team-revived':
        this.#teams.revive(record);
        return;
      case 'plan-added':
        this.#teams.addPlan(record);
        return;
      case 'team-removed':
        this.#removeTeam(record.id);
        return;
      case 'host':
        this.#hosts.set(record.host);
        return;
      default:
        never(record);
    }
  }

  #removeTeam(id: TeamId): void {
    this.#events.remove(id);
    this.#attempts.remove(id);
    this.#tasks.remove(id);
    this.#agents.remove(id);
    this.#teams.remove(id);
  }

  #transaction<T>(body: () => T): T {
    try {
      this.#begin.run();
      const value = body();
      this.#end.run();
      return value;
    } catch (error) {
      this.#undo();
      throw this.#explained(error);
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #undo(): void {
    this.#attempts.forget();
    this.#events.forget();
    // SQLite has already rolled back after some errors, a full disk for one.
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  #explained(error: unknown): unknown {
    const failure = storeFailure(error, this.#file);
    return failure === null ? error : new GodelError(failure, {cause: error});
  }
}
