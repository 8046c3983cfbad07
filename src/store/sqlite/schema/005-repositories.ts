/** The repository of a team that was given its first plan with worktrees while it was at work. */
export const REPOSITORIES_SCHEMA = `
ALTER TABLE added_plans ADD COLUMN repository TEXT;
`;
