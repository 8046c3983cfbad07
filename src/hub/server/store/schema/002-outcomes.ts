/**
 * How often each agent was borne out by each other one, worth what it was at `at_ms`, see `reputation.ts`. It outlives the
 * episodes: who forgets what was refuted is not cleared by it.
 */
export const OUTCOMES = `
CREATE TABLE outcomes (
  tenant INTEGER NOT NULL,
  author TEXT NOT NULL,
  confirmer TEXT NOT NULL,
  good REAL NOT NULL,
  bad REAL NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, author, confirmer)
) WITHOUT ROWID;
CREATE INDEX outcomes_by_time ON outcomes (tenant, at_ms);
`;
