import type {Database} from 'better-sqlite3';
import type {Now} from '../../base/clock.ts';
import type {ProviderId} from '../../model/provider.ts';
import type {GateState} from './gate.ts';

/** What a project holds of a provider, in the ledger. */
export interface ProviderClaim {
  readonly project: string;
  readonly want: number;
  readonly running: number;
  /** Granted; more may still run. */
  readonly permits: number;
}

const CREATE = `
CREATE TABLE IF NOT EXISTS provider_claims (
  provider TEXT NOT NULL,
  project TEXT NOT NULL,
  want INTEGER NOT NULL,
  running INTEGER NOT NULL,
  permits INTEGER NOT NULL,
  PRIMARY KEY (provider, project)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gates (
  provider TEXT PRIMARY KEY,
  boot_id TEXT NOT NULL,
  mono_ms REAL NOT NULL,
  wall_ms REAL NOT NULL,
  state TEXT NOT NULL
) WITHOUT ROWID;`;

const READ = 'SELECT boot_id, mono_ms, wall_ms, state FROM gates WHERE provider = ?';
const WRITE = 'INSERT OR REPLACE INTO gates (provider, boot_id, mono_ms, wall_ms, state) VALUES (?, ?, ?, ?, ?)';
const FORGET = 'DELETE FROM gates WHERE provider = ?';
const OTHERS = 'SELECT project, want, running, permits FROM provider_claims WHERE provider = ? AND project <> ?';
const OWN = 'SELECT provider FROM provider_claims WHERE project = ?';
const CLAIM =
  'INSERT OR REPLACE INTO provider_claims (provider, project, want, running, permits) VALUES (?, ?, ?, ?, ?)';
const DROP = 'DELETE FROM provider_claims WHERE provider = ? AND project = ?';
const REMOVE = 'DELETE FROM provider_claims WHERE project = ?';

interface GateRow {
  readonly boot_id: string;
  readonly mono_ms: number;
  readonly wall_ms: number;
  readonly state: string;
}

/** The gates of the user's accounts, and what each project holds of them. To be used within a transaction of the ledger. */
export class GateTable {
  readonly #bootId: string;
  readonly #read;
  readonly #write;
  readonly #forget;
  readonly #others;
  readonly #own;
  readonly #claim;
  readonly #drop;
  readonly #remove;

  /** Makes its tables where they are missing. */
  static prepare(db: Database): void {
    db.exec(CREATE);
  }

  constructor(db: Database, bootId: string) {
    this.#bootId = bootId;
    this.#read = db.prepare<[string], GateRow>(READ);
    this.#write = db.prepare<[string, string, number, number, string]>(WRITE);
    this.#forget = db.prepare<[string]>(FORGET);
    this.#others = db.prepare<[string, string], ProviderClaim>(OTHERS);
    this.#own = db.prepare<[string], string>(OWN).pluck();
    this.#claim = db.prepare<[string, string, number, number, number]>(CLAIM);
    this.#drop = db.prepare<[string, string]>(DROP);
    this.#remove = db.prepare<[string]>(REMOVE);
  }

  hasGate(provider: ProviderId): boolean {
    return this.#read.get(provider) !== undefined;
  }

  gate(provider: ProviderId, now: Now): GateState | null {
    const row = this.#read.get(provider);
    if (row === undefined) return null;
    const written = JSON.parse(row.state) as GateState; // as `setGate` has written it
    if (row.boot_id === this.#bootId) return written;
    const state = moved(written, elapsedSince(row, now) - (now.monoMs - row.mono_ms));
    this.setGate(provider, state, now);
    return state;
  }

  setGate(provider: ProviderId, state: GateState | null, {monoMs, wallMs}: Now): void {
    if (state === null) this.#forget.run(provider);
    else this.#write.run(provider, this.#bootId, monoMs, wallMs, JSON.stringify(state));
  }

  claimsOfOthers(provider: ProviderId, project: string): readonly ProviderClaim[] {
    return this.#others.all(provider, project);
  }

  providersOf(project: string): readonly ProviderId[] {
    return this.#own.all(project);
  }

  claim(provider: ProviderId, {project, want, running, permits}: ProviderClaim): void {
    this.#claim.run(provider, project, want, running, permits);
  }

  drop(provider: ProviderId, project: string): void {
    this.#drop.run(provider, project);
  }

  removeProject(project: string): void {
    this.#remove.run(project);
  }
}

/** Since a reboot only the wall clock tells; one that was set back meanwhile tells nothing. */
function elapsedSince({wall_ms}: GateRow, {wallMs}: Now): number {
  return Math.max(0, wallMs - wall_ms);
}

/** The same times on a monotonic clock that stands `byMs` behind the one they were written by. */
function moved(state: GateState, byMs: number): GateState {
  const {probeMs, changedMs, loweredMs, notBeforeMs} = state;
  return {
    ...state,
    probeMs: probeMs - byMs,
    changedMs: changedMs - byMs,
    loweredMs: loweredMs === null ? null : loweredMs - byMs,
    notBeforeMs: notBeforeMs - byMs,
  };
}
