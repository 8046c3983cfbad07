import type {Database, Statement} from 'better-sqlite3';

export interface Row {
  readonly n: number;
  readonly id: string;
  readonly kind: 0 | 1 | 2;
  readonly owner: number | null;
  readonly position: number | null;
  readonly refused: string | null;
  readonly standing: 0 | 1;
  readonly at_ms: number;
  readonly expires_at_ms: number | null;
  readonly reward: number;
  readonly success: 0 | 1;
  readonly bytes: number;
  readonly body: string | Buffer;
  readonly fold: string | Buffer | null;
}

export type NewRow = Omit<Row, 'n' | 'refused' | 'standing' | 'fold'>;

export interface Totals {
  readonly episodes: number;
  readonly bytes: number;
  readonly pending: number;
  readonly pendingBytes: number;
  readonly refused: number;
  /** Episodes that cannot be opened. */
  readonly sealed: number;
}

const COLUMNS = 'id, kind, owner, position, at_ms, expires_at_ms, reward, success, bytes, body';
const PUT = `INSERT INTO entries (${COLUMNS})
  VALUES (@id, @kind, @owner, @position, @at_ms, @expires_at_ms, @reward, @success, @bytes, @body)`;
const BY_ID = 'SELECT * FROM entries WHERE id = ?';
const BY_KEY = 'SELECT * FROM entries WHERE n = ?';
const RANKING = 'SELECT n, id, standing, at_ms, expires_at_ms, reward, success, fold FROM entries WHERE n = ?';
const PENDING = 'SELECT * FROM entries WHERE owner = ? AND n > ? ORDER BY n LIMIT ?';
const EPISODES_AFTER = 'SELECT * FROM entries WHERE n > ? AND kind = 0 ORDER BY n LIMIT ?';
const LOCAL_AFTER = `SELECT * FROM entries WHERE n > ? AND kind = 0 AND position IS NULL ORDER BY n LIMIT ?`;
const STARTING_WITH = 'SELECT * FROM entries WHERE id >= @from AND id < @to AND kind = 0 ORDER BY id DESC LIMIT @limit';
const OLDEST_SAFE = 'SELECT n, kind, bytes, refused FROM entries WHERE owner IS NULL AND kind <> 1 ORDER BY n LIMIT ?';
const EXPIRED =
  'SELECT n, kind, bytes, refused FROM entries WHERE owner IS NULL AND kind <> 1 AND expires_at_ms <= ? LIMIT ?';
const REMOVE = 'DELETE FROM entries WHERE n = ?';
const TAKEN = 'UPDATE entries SET owner = NULL, position = @position, refused = NULL WHERE n = @n';
const REFUSED = 'UPDATE entries SET owner = NULL, refused = @code WHERE n = @n';
const FOLDED = 'UPDATE entries SET fold = @fold, standing = @standing WHERE n = @n';
const REWRITE = 'UPDATE entries SET body = @body WHERE n = @n';
const PUSH_AGAIN = 'UPDATE entries SET owner = ?, position = NULL WHERE owner IS NULL AND refused IS NULL AND kind = 0';
const ADOPT_LOCAL =
  'UPDATE entries SET owner = ? WHERE owner IS NULL AND position IS NULL AND refused IS NULL AND kind = 0';
const ADOPT = 'UPDATE entries SET owner = @to WHERE owner = @from';
const ORPHAN_ALL = 'UPDATE entries SET owner = 0 WHERE owner IS NOT NULL';
const UNFOLD = 'UPDATE entries SET fold = NULL, standing = 0 WHERE fold IS NOT NULL';
const LAST = 'SELECT max(n) FROM entries';
const PENDING_COUNT = 'SELECT count(*) FROM entries WHERE owner = ?';
const TOTALS = `SELECT count(*) FILTER (WHERE kind = 0) AS episodes, total(bytes) AS bytes,
  count(owner) AS pending, total(bytes) FILTER (WHERE owner IS NOT NULL) AS pendingBytes, count(refused) AS refused,
  count(*) FILTER (WHERE kind = 2) AS sealed
  FROM entries`;
const FACT = 'SELECT value FROM facts WHERE name = ?';
const BURY = 'INSERT OR IGNORE INTO forgotten (id) VALUES (?)';
const UNBURY = 'DELETE FROM forgotten WHERE n <= (SELECT max(n) FROM forgotten) - ?';
const IS_BURIED = 'SELECT 1 FROM forgotten WHERE id = ?';
const SET_FACT = 'INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)';

/** What decides about a row's place, without its body. */
export type Ranking = Pick<Row, 'n' | 'id' | 'standing' | 'at_ms' | 'expires_at_ms' | 'reward' | 'success' | 'fold'>;
export type Doomed = Pick<Row, 'n' | 'kind' | 'bytes' | 'refused'>;

/** The statements of a cache. */
export class CacheRows {
  readonly put: Statement<[NewRow]>;
  readonly byId: Statement<[string], Row>;
  readonly byKey: Statement<[number], Row>;
  readonly ranking: Statement<[number], Ranking>;
  readonly pending: Statement<[number, number, number], Row>;
  readonly episodesAfter: Statement<[number, number], Row>;
  readonly localAfter: Statement<[number, number], Row>;
  readonly startingWith: Statement<[{from: string; to: string; limit: number}], Row>;
  readonly oldestSafe: Statement<[number], Doomed>;
  readonly expired: Statement<[number, number], Doomed>;
  readonly remove: Statement<[number]>;
  readonly taken: Statement<[{n: number; position: number}]>;
  readonly refused: Statement<[{n: number; code: string}]>;
  readonly folded: Statement<[{n: number; fold: string | Buffer; standing: 0 | 1}]>;
  readonly rewrite: Statement<[{n: number; body: string | Buffer}]>;
  readonly pushAgain: Statement<[number]>;
  readonly adoptLocal: Statement<[number]>;
  readonly adopt: Statement<[{from: number; to: number}]>;
  readonly orphanAll: Statement<[]>;
  readonly unfold: Statement<[]>;
  readonly totals: Statement<[], Totals>;
  readonly last: Statement<[], number | null>;
  readonly pendingCount: Statement<[number], number>;
  readonly fact: Statement<[string], string | number | Buffer>;
  readonly bury: Statement<[string]>;
  readonly unbury: Statement<[number]>;
  readonly isBuried: Statement<[string], number>;
  readonly setFact: Statement<[string, string | number | Buffer]>;

  constructor(db: Database) {
    this.put = db.prepare<[NewRow]>(PUT);
    this.byId = db.prepare<[string], Row>(BY_ID);
    this.byKey = db.prepare<[number], Row>(BY_KEY);
    this.ranking = db.prepare<[number], Ranking>(RANKING);
    this.pending = db.prepare<[number, number, number], Row>(PENDING);
    this.episodesAfter = db.prepare<[number, number], Row>(EPISODES_AFTER);
    this.localAfter = db.prepare<[number, number], Row>(LOCAL_AFTER);
    this.startingWith = db.prepare<[{from: string; to: string; limit: number}], Row>(STARTING_WITH);
    this.oldestSafe = db.prepare<[number], Doomed>(OLDEST_SAFE);
    this.expired = db.prepare<[number, number], Doomed>(EXPIRED);
    this.remove = db.prepare<[number]>(REMOVE);
    this.taken = db.prepare<[{n: number; position: number}]>(TAKEN);
    this.refused = db.prepare<[{n: number; code: string}]>(REFUSED);
    this.folded = db.prepare<[{n: number; fold: string | Buffer; standing: 0 | 1}]>(FOLDED);
    this.rewrite = db.prepare<[{n: number; body: string | Buffer}]>(REWRITE);
    this.pushAgain = db.prepare<[number]>(PUSH_AGAIN);
    this.adoptLocal = db.prepare<[number]>(ADOPT_LOCAL);
    this.adopt = db.prepare<[{from: number; to: number}]>(ADOPT);
    this.orphanAll = db.prepare<[]>(ORPHAN_ALL);
    this.unfold = db.prepare<[]>(UNFOLD);
    this.totals = db.prepare<[], Totals>(TOTALS);
    this.last = db.prepare<[], number | null>(LAST).pluck();
    this.pendingCount = db.prepare<[number], number>(PENDING_COUNT).pluck();
    this.fact = db.prepare<[string], string | number | Buffer>(FACT).pluck();
    this.bury = db.prepare<[string]>(BURY);
    this.unbury = db.prepare<[number]>(UNBURY);
    this.isBuried = db.prepare<[string], number>(IS_BURIED).pluck();
    this.setFact = db.prepare<[string, string | number | Buffer]>(SET_FACT);
  }
}
