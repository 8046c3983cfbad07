/** What changes of a team while it runs: its agents. */
export const TEAMS_SCHEMA = `
CREATE TABLE agents (
  team INTEGER NOT NULL,
  id TEXT NOT NULL,
  group_index INTEGER NOT NULL,
  standing TEXT NOT NULL,
  PRIMARY KEY (team, id)
) WITHOUT ROWID;
`;
