/** The last critiques of each episode, by the keys of their entries, to be held against each other; see `critiques.ts`. */
export const CRITIQUES = `
CREATE TABLE critiques (
  episode INTEGER NOT NULL,
  at TEXT NOT NULL,
  id TEXT NOT NULL,
  key INTEGER NOT NULL,
  PRIMARY KEY (episode, at, id)
) WITHOUT ROWID;
INSERT INTO critiques SELECT episode, critique_at, critique_id, critique_key FROM states WHERE critique_key IS NOT NULL;
`;
