/**
 * Hot rows are small and apart from what never changes: a task's state (`task_states`, absent while it waits) from its id
 * and item (`tasks`). `team` is first in every key, so that a team is one range. A row of `event_chunks` holds events of
 * one team that follow one another, since a row for each costs more than the rest of a commit; team 0 stands for none.
 */
export const FIRST_SCHEMA = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;

CREATE TABLE hosts (
  id TEXT PRIMARY KEY,
  machine TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time TEXT NOT NULL,
  boot_id TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE teams (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  ending TEXT,
  started_at_ms INTEGER NOT NULL,
  started_mono_ms REAL NOT NULL,
  started_boot TEXT NOT NULL,
  ended_at_ms INTEGER,
  has_plan INTEGER NOT NULL,
  spec TEXT NOT NULL,
  view TEXT
);

CREATE TABLE team_plans (
  team INTEGER PRIMARY KEY,
  plan TEXT NOT NULL,
  env TEXT NOT NULL
);

CREATE TABLE tasks (
  team INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  spec_index INTEGER NOT NULL,
  group_seq INTEGER,
  item TEXT,
  PRIMARY KEY (team, seq)
) WITHOUT ROWID;

CREATE TABLE task_states (
  team INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  state INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  detail,
  PRIMARY KEY (team, seq)
) WITHOUT ROWID;

CREATE TABLE attempts (
  team INTEGER NOT NULL,
  id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  number INTEGER NOT NULL,
  agent TEXT NOT NULL,
  host TEXT NOT NULL,
  leased_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  duration_ms REAL,
  failure TEXT,
  cpu_seconds REAL,
  max_rss_bytes INTEGER,
  usd REAL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  output_bytes INTEGER,
  PRIMARY KEY (team, id)
) WITHOUT ROWID;

CREATE TABLE event_chunks (
  first_cursor INTEGER PRIMARY KEY,
  team INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  count INTEGER NOT NULL,
  v INTEGER NOT NULL,
  events TEXT NOT NULL
);
CREATE INDEX event_chunks_of_team ON event_chunks (team);

CREATE TABLE event_streams (
  team INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL
);
`;
