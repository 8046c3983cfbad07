/** Order of texts that is the same everywhere, and that of SQLite for what is plain ASCII, such as stamps. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
