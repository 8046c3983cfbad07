/** Second attempts beside those that take too long. */
export const TWINS_SCHEMA = `
ALTER TABLE attempts ADD COLUMN twin_of INTEGER;
CREATE INDEX attempt_twins ON attempts (team, twin_of) WHERE twin_of IS NOT NULL;
`;
