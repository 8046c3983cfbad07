import Database from 'better-sqlite3';
import type {Now} from '../../base/clock.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Failure} from '../../model/failure.ts';
import type {ProcessIdentity} from '../../model/process-identity.ts';
import {makePrivate} from '../../store/sqlite/private-file.ts';
import {storeFailure} from '../../store/sqlite/sqlite-failure.ts';
import type {Admission, Grant} from './admission.ts';
import {type AdmissionLimits, decideGrant, type MachineProbe} from './grant.ts';

export interface LedgerOptions {
  /** Absolute path of the user's ledger; its folder exists. */
  readonly file: string;
  readonly projectId: string;
  /** Ours. */
  readonly process: ProcessIdentity;
  readonly isAlive: (process: ProcessIdentity) => boolean;
  readonly limits: AdmissionLimits;
  readonly probe: () => MachineProbe;
  readonly readClock: () => Now;
  /** A lease counts until its process is dead and it has not been renewed for this long: its attempts may still run. */
  readonly staleAfterMs: number;
}

/** Opens the one ledger of a user and takes over what a dead predecessor of this project left in it. */
export function openLedger(options: LedgerOptions): Result<Admission, Failure> {
  let db: Database.Database | undefined;
  try {
    makePrivate(options.file);
    db = new Database(options.file, {timeout: BUSY_TIMEOUT_MS});
    prepareFile(db);
    return ok(new Ledger(db, options));
  } catch (error) {
    db?.close();
    const failure = storeFailure(error, options.file);
    if (failure === null) throw error;
    return fail(failure);
  }
}

/** Transactions here take microseconds, but a daemon that is stopped in the middle of one must not stop the others. */
const BUSY_TIMEOUT_MS = 500;

const CREATE = `CREATE TABLE IF NOT EXISTS leases (
  project TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  start_time TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  permits INTEGER NOT NULL,
  beat_mono_ms REAL NOT NULL
) WITHOUT ROWID`;

const TAKE_OVER = `INSERT INTO leases (project, pid, start_time, boot_id, permits, beat_mono_ms)
  VALUES (@project, @pid, @startTime, @bootId, 0, @now)
  ON CONFLICT DO UPDATE SET pid = @pid, start_time = @startTime, boot_id = @bootId, beat_mono_ms = @now`;
const HOLD = `INSERT INTO leases (project, pid, start_time, boot_id, permits, beat_mono_ms)
  VALUES (@project, @pid, @startTime, @bootId, @permits, @now)
  ON CONFLICT DO UPDATE SET permits = @permits, pid = @pid, start_time = @startTime, boot_id = @bootId,
    beat_mono_ms = @now`;
const OTHERS = 'SELECT project, pid, start_time, boot_id, permits, beat_mono_ms FROM leases WHERE project <> ?';
const OWN = 'SELECT permits FROM leases WHERE project = ?';
const BEAT = 'UPDATE leases SET beat_mono_ms = ? WHERE project = ?';
const REMOVE = 'DELETE FROM leases WHERE project = ?';

interface Row {
  readonly project: string;
  readonly pid: number;
  readonly start_time: string;
  readonly boot_id: string;
  readonly permits: number;
  readonly beat_mono_ms: number;
}

function prepareFile(db: Database.Database): void {
  try {
    db.pragma('journal_mode = WAL');
  } catch (error) {
    // Two that open a new ledger at once cannot both switch it over, and one of them is enough.
    if (!isBusy(error)) throw error;
  }
  // A power cut may undo the last leases, which mean nothing after it, but cannot damage the file.
  db.pragma('synchronous = NORMAL');
  db.exec(CREATE);
}

class Ledger implements Admission {
  readonly #db: Database.Database;
  readonly #options: LedgerOptions;
  readonly #hold;
  readonly #others;
  readonly #beat;
  readonly #remove;
  readonly #grant;
  /** What our row says: it stays ours also while the ledger cannot be used. */
  #held: number;

  constructor(db: Database.Database, options: LedgerOptions) {
    this.#db = db;
    this.#options = options;
    this.#hold = db.prepare<[Record<string, string | number>]>(HOLD);
    this.#others = db.prepare<[string], Row>(OTHERS);
    this.#beat = db.prepare<[number, string]>(BEAT);
    this.#remove = db.prepare<[string]>(REMOVE);
    const decide = db.transaction((want: number, running: number) => this.#decide(want, running));
    this.#grant = (want: number, running: number) => decide.immediate(want, running);
    db.prepare<[Record<string, string | number>]>(TAKE_OVER).run(this.#identity());
    this.#held = Number(db.prepare<[string]>(OWN).pluck().get(options.projectId));
  }

  request(want: number, running: number): Grant {
    try {
      const grant = this.#grant(want, running);
      this.#held = grant.permits;
      return grant;
    } catch (error) {
      const failure = storeFailure(error, this.#options.file);
      if (failure === null) throw error;
      const permits = Math.max(running, Math.min(want, this.#held));
      return {permits, why: permits < want ? `the ledger ${this.#options.file} cannot be used just now` : null};
    }
  }

  beat(now: Now): void {
    this.#attempt(() => this.#beat.run(now.monoMs, this.#options.projectId));
  }

  release(): void {
    this.#attempt(() => this.#remove.run(this.#options.projectId));
    this.#held = 0;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #decide(want: number, running: number): Grant {
    const {limits, probe} = this.#options;
    const grant = decideGrant({want, running, heldByOthers: this.#heldByOthers()}, limits, probe());
    this.#hold.run({...this.#identity(), permits: grant.permits});
    return grant;
  }

  /** Permits of the other projects, after removing the leases of those that are dead. */
  #heldByOthers(): number {
    let held = 0;
    for (const row of this.#others.all(this.#options.projectId)) {
      if (this.#isDead(row)) this.#remove.run(row.project);
      else held += row.permits;
    }
    return held;
  }

  #isDead({pid, start_time, boot_id, beat_mono_ms}: Row): boolean {
    const ageMs = this.#options.readClock().monoMs - beat_mono_ms;
    // The monotonic clock starts anew with the machine: a beat in the future is one from before.
    if (ageMs >= 0 && ageMs <= this.#options.staleAfterMs) return false;
    return !this.#options.isAlive({pid, startTime: start_time, bootId: boot_id});
  }

  #identity(): Record<string, string | number> {
    const {projectId, process, readClock} = this.#options;
    const {pid, startTime, bootId} = process;
    return {project: projectId, pid, startTime, bootId, now: readClock().monoMs};
  }

  /** A renewal or a release that does not get through is made good by the next one, or by the lease growing stale. */
  #attempt(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      if (storeFailure(error, this.#options.file) === null) throw error;
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
