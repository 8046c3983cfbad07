import Database from 'better-sqlite3';
import type {Now} from '../../base/clock.ts';
import type {Random} from '../../base/random.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Failure} from '../../model/failure.ts';
import type {Gate, ProviderSignal} from '../../model/provider.ts';
import type {ProcessIdentity} from '../../model/process-identity.ts';
import {makePrivate} from '../../sqlite/private-file.ts';
import {storeFailure} from '../../sqlite/sqlite-failure.ts';
import type {Admission, AdmissionDemand, Grant} from './admission.ts';
import {GateTable} from './gate-table.ts';
import {Gates} from './gates.ts';
import {type AdmissionLimits, decideGrant, type MachineProbe} from './grant.ts';
import {shareMemory} from './memory-share.ts';
import {RestOfMemory} from './rest-of-memory.ts';

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
  readonly random: Random;
  /** A lease counts until its process is dead and it has not been renewed for this long: its attempts may still run. */
  readonly staleAfterMs: number;
}

/** Opens the one ledger of a user and takes over what a dead predecessor of this project left in it. */
export function openLedger(options: LedgerOptions): Result<Admission, Failure> {
  let db: Database.Database | undefined;
  try {
    makePrivate(options.file);
    db = new Database(options.file, {timeout: OPEN_TIMEOUT_MS});
    prepareFile(db);
    const ledger = new Ledger(db, options);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return ok(ledger);
  } catch (error) {
    db?.close();
    const failure = storeFailure(error, options.file, BUSY_HINT);
    if (failure === null) throw error;
    return fail(failure);
  }
}

/** Transactions here take microseconds, but a daemon that is stopped in the middle of one must not stop the others. */
const BUSY_TIMEOUT_MS = 500;
/** Nothing else waits for a daemon that is only starting, and many of them may start at once. */
const OPEN_TIMEOUT_MS = 10_000;
const BUSY_HINT =
  'Only one daemon may use a project at a time: look at `godel daemon status`, or end it with `godel daemon stop`.';

const CREATE = `CREATE TABLE IF NOT EXISTS leases (
  project TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  start_time TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  permits INTEGER NOT NULL,
  beat_mono_ms REAL NOT NULL,
  memory INTEGER NOT NULL DEFAULT 0,
  memory_running INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID`;

/** What a ledger of an earlier version lacks; its daemons go on beside us. */
const LATER_COLUMNS = ['memory', 'memory_running'];

const TAKE_OVER = `INSERT INTO leases (project, pid, start_time, boot_id, permits, beat_mono_ms)
  VALUES (@project, @pid, @startTime, @bootId, 0, @now)
  ON CONFLICT DO UPDATE SET pid = @pid, start_time = @startTime, boot_id = @bootId, beat_mono_ms = @now`;
const HOLD = `INSERT INTO leases (project, pid, start_time, boot_id, permits, memory, memory_running, beat_mono_ms)
  VALUES (@project, @pid, @startTime, @bootId, @permits, @memory, @memoryRunning, @now)
  ON CONFLICT DO UPDATE SET permits = @permits, memory = @memory, memory_running = @memoryRunning, pid = @pid,
    start_time = @startTime, boot_id = @bootId, beat_mono_ms = @now`;
const OTHERS = `SELECT project, pid, start_time, boot_id, permits, memory, memory_running, beat_mono_ms
  FROM leases WHERE project <> ?`;
const OWN = 'SELECT permits, memory FROM leases WHERE project = ?';
const BEAT = 'UPDATE leases SET beat_mono_ms = ? WHERE project = ?';
const REMOVE = 'DELETE FROM leases WHERE project = ?';

/** While something limits: memory and disk get free, and other projects give back, without telling anybody. */
const ASK_AGAIN_MS = 1000;
const PROBE_EVERY_MS = 100;
const UNKNOWN: MachineProbe = {availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null};

/** What a project holds. */
interface Holding {
  readonly permits: number;
  readonly memory: number;
}

interface Row extends Holding {
  readonly project: string;
  readonly pid: number;
  readonly start_time: string;
  readonly boot_id: string;
  readonly memory_running: number;
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
  db.transaction(() => {
    db.exec(CREATE);
    const columns = new Set(db.prepare<[], string>("SELECT name FROM pragma_table_info('leases')").pluck().all());
    for (const column of LATER_COLUMNS) {
      if (!columns.has(column)) db.exec(`ALTER TABLE leases ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`);
    }
    GateTable.prepare(db);
  }).immediate();
}

class Ledger implements Admission {
  readonly #db: Database.Database;
  readonly #options: LedgerOptions;
  readonly #hold;
  readonly #others;
  readonly #beat;
  readonly #remove;
  readonly #grant;
  readonly #hear;
  readonly #gates: Gates;
  readonly #rest = new RestOfMemory();
  /** What our row says: it stays ours also while the ledger cannot be used. */
  #held: Holding;
  #lastGates: readonly Gate[] = [];
  #probed = {atMs: Number.NEGATIVE_INFINITY, probe: UNKNOWN};

  constructor(db: Database.Database, options: LedgerOptions) {
    const {projectId, process, random} = options;
    this.#db = db;
    this.#options = options;
    this.#hold = db.prepare<[Record<string, string | number>]>(HOLD);
    this.#others = db.prepare<[string], Row>(OTHERS);
    this.#beat = db.prepare<[number, string]>(BEAT);
    this.#remove = db.prepare<[string]>(REMOVE);
    const decide = db.transaction((demand: AdmissionDemand) => this.#decide(demand));
    this.#grant = (demand: AdmissionDemand) => decide.immediate(demand);
    const hear = db.transaction((signal: ProviderSignal, running: number) =>
      this.#gates.signal(signal, running, options.readClock()),
    );
    this.#hear = (signal: ProviderSignal, running: number) => hear.immediate(signal, running);
    db.prepare<[Record<string, string | number>]>(TAKE_OVER).run(this.#identity(options.readClock()));
    this.#held = db.prepare<[string], Holding>(OWN).get(projectId) ?? {permits: 0, memory: 0};
    this.#gates = new Gates(db, {projectId, bootId: process.bootId, random});
  }

  request(demand: AdmissionDemand): Grant {
    try {
      const grant = this.#grant(demand);
      this.#held = {permits: grant.permits, memory: grant.memoryBytes};
      this.#lastGates = grant.gates;
      return grant;
    } catch (error) {
      const failure = storeFailure(error, this.#options.file, BUSY_HINT);
      if (failure === null) throw error;
      return this.#withoutLedger(demand);
    }
  }

  signal(signal: ProviderSignal, running: number): boolean {
    try {
      // Nearly always there is nothing to be changed, and then nothing is written.
      if (signal.kind === 'ok' && !this.#gates.hasGate(signal.provider)) return false;
      return this.#hear(signal, running);
    } catch (error) {
      if (storeFailure(error, this.#options.file, BUSY_HINT) === null) throw error;
      return false;
    }
  }

  beat(now: Now): void {
    this.#attempt(() => this.#beat.run(now.monoMs, this.#options.projectId));
  }

  release(): void {
    this.#attempt(() => this.#removeProject(this.#options.projectId));
    this.#held = {permits: 0, memory: 0};
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #decide(demand: AdmissionDemand): Grant {
    const {want, running, memoryBytes, providers} = demand;
    const now = this.#options.readClock();
    const others = this.#livingOthers(now);
    const needsMore = want > running || memoryBytes.want > memoryBytes.running;
    const probe = needsMore ? this.#probe(now) : UNKNOWN;
    const heldByOthers = sumOf(others, each => each.permits);
    const {permits, why} = decideGrant({want, running, heldByOthers}, this.#options.limits, probe);
    const memory = this.#shareMemory(demand, others, {probe, now});
    const gates = this.#gates.request(providers, now);
    this.#hold.run({...this.#identity(now), permits, memory: memory.bytes, memoryRunning: memoryBytes.running});
    const limits = permits < want || memory.bytes < memoryBytes.want || gates.length > 0;
    const due = gates.flatMap(({againMs}) => againMs ?? []);
    return {
      permits,
      memoryBytes: memory.bytes,
      why: why ?? memory.why,
      gates: gates.map(({gate}) => gate),
      againMs: limits ? Math.min(ASK_AGAIN_MS, ...due) : null,
    };
  }

  /** Many small tasks ask more often than the machine changes, and looking costs more than asking. */
  #probe({monoMs}: Now): MachineProbe {
    if (monoMs - this.#probed.atMs >= PROBE_EVERY_MS) this.#probed = {atMs: monoMs, probe: this.#options.probe()};
    return this.#probed.probe;
  }

  #shareMemory(
    {want: attempts, memoryBytes}: AdmissionDemand,
    others: readonly Row[],
    {probe, now}: {readonly probe: MachineProbe; readonly now: Now},
  ) {
    const {minFreeMemoryBytes: minFreeBytes, memoryPerAttemptBytes: perAttemptBytes} = this.#options.limits;
    const {totalMemoryBytes: totalBytes, availableMemoryBytes: availableBytes} = probe;
    const runningBytes = memoryBytes.running + sumOf(others, each => each.memory_running);
    const restBytes =
      totalBytes === null || availableBytes === null
        ? 0
        : this.#rest.observe({totalBytes, availableBytes, runningBytes, nowMs: now.monoMs});
    return shareMemory(
      {...memoryBytes, attempts, heldByOthers: sumOf(others, each => each.memory)},
      {totalBytes, restBytes, minFreeBytes, perAttemptBytes},
    );
  }

  /** The leases of the other projects, after removing those of the dead. */
  #livingOthers(now: Now): readonly Row[] {
    const rows = this.#others.all(this.#options.projectId);
    const isDead = rows.map(row => this.#isDead(row, now));
    for (const [index, row] of rows.entries()) if (isDead[index]) this.#removeProject(row.project);
    return rows.filter((_, index) => !isDead[index]);
  }

  #removeProject(project: string): void {
    this.#remove.run(project);
    this.#gates.removeProject(project);
  }

  /** What was granted before stays so, for as much of it as is wanted. */
  #withoutLedger({want, running, memoryBytes}: AdmissionDemand): Grant {
    const permits = Math.max(running, Math.min(want, this.#held.permits));
    const memory = Math.max(memoryBytes.running, Math.min(memoryBytes.want, this.#held.memory));
    const isLess = permits < want || memory < memoryBytes.want;
    return {
      permits,
      memoryBytes: memory,
      why: isLess ? `the ledger ${this.#options.file} cannot be used just now` : null,
      gates: this.#lastGates,
      againMs: ASK_AGAIN_MS,
    };
  }

  #isDead({pid, start_time, boot_id, beat_mono_ms}: Row, {monoMs}: Now): boolean {
    const ageMs = monoMs - beat_mono_ms;
    // The monotonic clock starts anew with the machine: a beat in the future is one from before.
    if (ageMs >= 0 && ageMs <= this.#options.staleAfterMs) return false;
    return !this.#options.isAlive({pid, startTime: start_time, bootId: boot_id});
  }

  #identity({monoMs}: Now): Record<string, string | number> {
    const {projectId, process} = this.#options;
    const {pid, startTime, bootId} = process;
    return {project: projectId, pid, startTime, bootId, now: monoMs};
  }

  /** A renewal or a release that does not get through is made good by the next one, or by the lease growing stale. */
  #attempt(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      if (storeFailure(error, this.#options.file, BUSY_HINT) === null) throw error;
    }
  }
}

function sumOf(rows: readonly Row[], part: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + part(row), 0);
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
