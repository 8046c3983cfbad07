import type {Mention} from './mentions.ts';
import type {Item} from './outline.ts';
import {MAX_EDGES, type Order} from './order.ts';

export interface Applied {
  readonly needs: readonly (readonly number[])[];
  readonly applied: number;
  /** Those that would make items wait for each other. */
  readonly refused: readonly Mention[];
}

/** How many items may be looked at in search of rings, over all mentions. */
const MAX_LOOKS = 5_000_000;

/**
 * Adds what items say of each other to the order that their form gives them. What is said of an item with parts holds for all
 * of its parts. A mention that contradicts the order so far is refused. Null: there are too many dependencies.
 */
export function applyMentions({
  items,
  order,
  mentions,
}: {
  items: readonly Item[];
  order: Order;
  mentions: readonly Mention[];
}): Applied | null {
  const needs = order.needs.map(each => each);
  const leaves = leavesOf(items, mentions);
  const refused: Mention[] = [];
  let looks = 0;
  let edges = needs.reduce((sum, each) => sum + each.length, 0);
  for (const mention of mentions) {
    const pairs = mention.others.map(other =>
      mention.how === 'after' ? {first: other, later: mention.item} : {first: mention.item, later: other},
    );
    const wanted = pairs.flatMap(({first, later}) => {
      const firsts = order.ends[first] ?? [];
      return (leaves.get(later) ?? [later]).map(each => ({each, firsts}));
    });
    const waiting = new Set(wanted.map(({each}) => each));
    const reached = reachable(
      needs,
      wanted.flatMap(({firsts}) => firsts),
      MAX_LOOKS - looks,
    );
    looks += reached.size;
    if (looks >= MAX_LOOKS || [...waiting].some(each => reached.has(each))) {
      refused.push(mention);
      continue;
    }
    for (const {each, firsts} of wanted) {
      const before = needs[each] ?? [];
      const added = firsts.filter(first => !before.includes(first));
      edges += added.length;
      if (edges > MAX_EDGES) return null;
      if (added.length > 0) needs[each] = [...before, ...added];
    }
  }
  return {needs, applied: mentions.length - refused.length, refused};
}

/** All items that must be over before one of these is, and these. */
function reachable(needs: readonly (readonly number[])[], from: readonly number[], max: number): ReadonlySet<number> {
  const seen = new Set(from);
  for (const each of seen) {
    if (seen.size > max) break;
    for (const need of needs[each] ?? []) seen.add(need);
  }
  return seen;
}

/** The innermost open items of the items that are made to wait. */
function leavesOf(items: readonly Item[], mentions: readonly Mention[]): ReadonlyMap<number, readonly number[]> {
  const waiting = new Set(mentions.flatMap(({item, how, others}) => (how === 'after' ? [item] : others)));
  const openInside = new Set<number>();
  for (const [at, item] of [...items.entries()].toReversed()) {
    if (item.parent !== null && (!item.isDone || openInside.has(at))) openInside.add(item.parent);
  }
  const leaves = new Map<number, number[]>();
  for (const [at, item] of items.entries()) {
    if (item.isDone || openInside.has(at)) continue;
    for (let above: number | null = at; above !== null; above = items[above]?.parent ?? null) {
      if (!waiting.has(above)) continue;
      const list = leaves.get(above);
      if (list) list.push(at);
      else leaves.set(above, [at]);
    }
  }
  return leaves;
}
