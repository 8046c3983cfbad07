/** Up to which position the text of a tenant is searchable. Also made in memory, where the hub seals. */
export const TEXT_MARKS = `
CREATE TABLE text_marks (
  tenant INTEGER PRIMARY KEY,
  position INTEGER NOT NULL
);`;

/**
 * The key of an entry is its tenant's number times 2^32 plus its position, so that a tenant's log is one range of one table
 * and an append goes to the end of that range. What is searched lies in tables of their own, `text_<tenant>`, made by
 * `text-index.ts`. Columns called `body` hold JSON, or sealed bytes where the hub seals.
 */
export const FIRST_SCHEMA = `
${TEXT_MARKS}
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;

CREATE TABLE tenants (
  num INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  head INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  episodes INTEGER NOT NULL
);

CREATE TABLE entries (
  key INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL,
  kind INTEGER NOT NULL,
  episode INTEGER,
  agent TEXT,
  at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  crc INTEGER NOT NULL,
  body NOT NULL
);
CREATE UNIQUE INDEX entries_by_id ON entries (tenant, id);
CREATE INDEX entries_of_episode ON entries (episode) WHERE episode IS NOT NULL;
CREATE INDEX entries_by_expiry ON entries (tenant, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE TABLE states (
  episode INTEGER PRIMARY KEY,
  up INTEGER NOT NULL,
  down INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  refuted INTEGER NOT NULL,
  standing TEXT NOT NULL,
  standing_at TEXT NOT NULL,
  standing_id TEXT NOT NULL,
  critique_at TEXT NOT NULL,
  critique_id TEXT NOT NULL,
  critique_key INTEGER,
  tags
);

CREATE TABLE voices (
  episode INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  agent TEXT NOT NULL,
  value INTEGER NOT NULL,
  at TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (episode, kind, agent)
) WITHOUT ROWID;

CREATE TABLE embedders (
  num INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  vectors INTEGER NOT NULL
);

CREATE TABLE vectors (
  key INTEGER PRIMARY KEY,
  embedder INTEGER NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE vector_marks (
  embedder INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (embedder, tenant)
) WITHOUT ROWID;

CREATE TABLE sessions (
  num INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  agent TEXT NOT NULL,
  role TEXT NOT NULL,
  session TEXT,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  ending TEXT
);
CREATE INDEX sessions_active ON sessions (tenant) WHERE ending IS NULL;
CREATE INDEX sessions_of_agent ON sessions (tenant, agent);

CREATE TABLE audit (
  num INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  tenant TEXT,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  body NOT NULL
);

CREATE TABLE agent_keys (
  tenant TEXT NOT NULL,
  agent TEXT NOT NULL,
  public_key TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, agent, public_key)
) WITHOUT ROWID;

CREATE TABLE revoked_tokens (
  id TEXT PRIMARY KEY,
  expires_at_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE data_keys (
  tenant TEXT NOT NULL,
  version INTEGER NOT NULL,
  master TEXT NOT NULL,
  wrapped TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, version)
) WITHOUT ROWID;

CREATE TABLE documents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE messages (
  num INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  agent TEXT NOT NULL,
  id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body NOT NULL
);
CREATE UNIQUE INDEX messages_by_id ON messages (tenant, agent, id);
CREATE INDEX messages_by_expiry ON messages (expires_at_ms);
`;
