/**
 * `kind`: 0 an episode, 1 a change that waits to be pushed (others live on in the fold of their episode), 2 an episode that was sealed end to
 * end with a key we do not have. `owner`: who of those that use
 * the cache now is to push it, 0: whoever opens it next, null: nobody. `position`: in the tenant's log, null: not known. `refused`: why
 * the hub does not take it. `standing`: 0 active, 1 quarantined. `body` and `fold`: JSON, or sealed bytes.
 */
export const FIRST_SCHEMA = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE entries (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  owner INTEGER,
  position INTEGER,
  refused TEXT,
  standing INTEGER NOT NULL DEFAULT 0,
  at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  reward REAL NOT NULL,
  success INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body NOT NULL,
  fold
);
CREATE INDEX pending ON entries (owner, n) WHERE owner IS NOT NULL;
CREATE INDEX forgettable ON entries (n) WHERE owner IS NULL AND kind = 0;
`;

/** In the file, or, where what is kept is sealed, in memory. Contentless: the words are not kept a second time. */
export function textTable(where: 'main' | 'temp'): string {
  return `CREATE VIRTUAL TABLE IF NOT EXISTS ${where}.text
    USING fts5(task, input, output, critique, tags, content = '', contentless_delete = 1, tokenize = 'porter unicode61');
  INSERT INTO ${where}.text (text, rank) VALUES ('rank', 'bm25(4.0, 1.0, 1.0, 2.0, 3.0)');`;
}
