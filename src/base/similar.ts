const MAX_SUGGESTIONS = 3;
/** Beyond this the search for a likeness costs more than it helps. */
const MAX_CANDIDATES = 200_000;

/** The candidates that `word` is probably a slip of, nearest first, at most three: at most a third of its letters differ. */
export function similarTo(word: string, candidates: Iterable<string>): readonly string[] {
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)));
  const found: {candidate: string; distance: number}[] = [];
  let looked = 0;
  for (const candidate of candidates) {
    if (++looked > MAX_CANDIDATES) break;
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), limit);
    if (distance <= limit) found.push({candidate, distance});
  }
  found.sort((a, b) => a.distance - b.distance);
  return found.slice(0, MAX_SUGGESTIONS).map(({candidate}) => candidate);
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`; anything above `limit` when
 * there are more than `limit`.
 */
function editDistance(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, at(last, j) + 1, at(row, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      }
      row.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
