/** From here on tags are kept as all that was said of them, see `tags.ts`; what was kept before is made anew when it is opened. */
export const TAGS = `
INSERT INTO meta (key, value) SELECT 'earlier-tags', 1 WHERE EXISTS (SELECT 1 FROM states WHERE tags IS NOT NULL);
`;
