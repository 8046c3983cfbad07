/** From here on folds keep all that was said of tags, see `tags.ts`; what folds kept before is completed from the hub's log. */
export const TAGS_SCHEMA = `
INSERT INTO facts (name, value) SELECT 'earlier-tags', 1 WHERE EXISTS (SELECT 1 FROM entries WHERE fold IS NOT NULL);
`;
