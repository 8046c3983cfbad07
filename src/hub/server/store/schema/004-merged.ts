/**
 * What was merged into what: the episode, the one that is recalled in its place and the agent of that, and how many and how many uses
 * that one was credited with. `tallies`: the last word of what was merged into an episode. `merge_marks`: up to which position of its
 * tenant the hub has looked for what says the same.
 */
export const MERGED = `
CREATE TABLE merged (
  episode INTEGER PRIMARY KEY,
  keeper INTEGER NOT NULL,
  agent TEXT NOT NULL,
  merged INTEGER NOT NULL,
  uses INTEGER NOT NULL
);
CREATE INDEX merged_by_keeper ON merged (keeper);
CREATE INDEX merged_by_agent ON merged (agent, episode);
CREATE TABLE tallies (
  episode INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  id TEXT NOT NULL,
  merged INTEGER NOT NULL,
  uses INTEGER NOT NULL
);
CREATE TABLE merge_marks (
  tenant INTEGER PRIMARY KEY,
  position INTEGER NOT NULL
);
`;
