/** What changes of a team while it runs: its agents, its settings, the clock of its timeout, its plans, and the rounds of its tasks. */
export const TEAMS_SCHEMA = `
CREATE TABLE agents (
  team INTEGER NOT NULL,
  id TEXT NOT NULL,
  group_index INTEGER NOT NULL,
  standing TEXT NOT NULL,
  PRIMARY KEY (team, id)
) WITHOUT ROWID;

ALTER TABLE teams ADD COLUMN settings TEXT;
ALTER TABLE teams ADD COLUMN budget TEXT;
ALTER TABLE teams ADD COLUMN timer TEXT;

CREATE TABLE added_plans (
  team INTEGER NOT NULL,
  number INTEGER NOT NULL,
  plan TEXT NOT NULL,
  secret_names TEXT NOT NULL,
  PRIMARY KEY (team, number)
) WITHOUT ROWID;

ALTER TABLE task_states ADD COLUMN round INTEGER NOT NULL DEFAULT 1;
ALTER TABLE task_states ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
UPDATE task_states SET attempts = counted.attempts
  FROM (SELECT team, task, count(*) AS attempts FROM attempts GROUP BY team, task) AS counted
  WHERE counted.team = task_states.team AND counted.task = task_states.seq;
`;
