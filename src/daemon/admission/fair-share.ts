/** What a project could use of something that several want. */
export interface Claim {
  readonly project: string;
  readonly want: number;
}

/**
 * How much of `total` is a project's: nobody gets less than another that wants no more (max-min fair). What cannot be divided
 * goes to each in its turn.
 */
export function fairShare({
  total,
  claims,
  project,
  turn,
}: {
  readonly total: number;
  readonly claims: readonly Claim[];
  readonly project: string;
  readonly turn: number;
}): number {
  const byWant = [...claims].sort((a, b) => a.want - b.want || (a.project < b.project ? -1 : 1));
  let left = total;
  for (const [index, claim] of byWant.entries()) {
    const even = left / (byWant.length - index);
    if (claim.want <= even) {
      if (claim.project === project) return claim.want;
      left -= claim.want;
      continue;
    }
    return shareOfRest({left, rest: byWant.slice(index), project, turn});
  }
  return 0;
}

/** Each of the rest wants more than an even part of what is left. */
function shareOfRest({
  left,
  rest,
  project,
  turn,
}: {
  readonly left: number;
  readonly rest: readonly Claim[];
  readonly project: string;
  readonly turn: number;
}): number {
  const names = rest.map(claim => claim.project).sort();
  const place = names.indexOf(project);
  const even = Math.floor(left / names.length);
  const over = left - even * names.length;
  return even + ((place + turn) % names.length < over ? 1 : 0);
}
