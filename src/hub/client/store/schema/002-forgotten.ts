/** Ids of episodes that somebody has forgotten, here or not, in the order in which that was heard: nothing else is left of them. */
export const FORGOTTEN_SCHEMA = `
CREATE TABLE forgotten (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
`;
