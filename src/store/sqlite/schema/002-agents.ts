/** What coding agents add: what an attempt was done with and has used, and what the next attempt of a task is handed. */
export const AGENTS_SCHEMA = `
ALTER TABLE attempts ADD COLUMN cache_read_tokens INTEGER;
ALTER TABLE attempts ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE attempts ADD COLUMN means TEXT;
ALTER TABLE attempts ADD COLUMN session TEXT;
ALTER TABLE attempts ADD COLUMN result TEXT;
ALTER TABLE task_states ADD COLUMN memo TEXT;
`;
