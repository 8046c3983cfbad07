import type {KeptMemory} from '../../model/episode.ts';
import {areIdentical, areNearIdentical, type Saying, sayingOfMemory} from './near-identical.ts';

export interface Ranked<T> extends KeptMemory {
  /** An older one has a smaller key. */
  readonly key: number;
  readonly hit: T;
}

interface Shown<T> {
  memory: Ranked<T>;
  saying: Saying;
  /** Others that say the same, and their uses. */
  merged: number;
  uses: number;
}

/** What is looked at beyond what is wanted to count what says the same, in multiples of it. */
const LOOKED_AT = 4;
const LEAST_LOOKED_AT = 40;

/**
 * The best `limit` that say different things, best first. What says the same as a better one is counted in that one's `merged` and `uses`.
 * Of what different agents say in nearly the same words, the one that was confirmed is shown, else the oldest, so that a copy with a
 * word more does not take its place. `counted`: as many as are looked at, or only those met before there are enough, which is quicker.
 */
export function distinct<T>(
  ranked: Iterable<Ranked<T>>,
  limit: number,
  counted: 'all' | 'shown' = 'all',
): readonly Ranked<T>[] {
  const shown: Shown<T>[] = [];
  const byText = new Map<string, Shown<T>>();
  let looked = 0;
  for (const memory of ranked) {
    const saying = sayingOfMemory(memory);
    const like = byText.get(saying.text) ?? shown.find(other => areNearIdentical(other.saying, saying));
    if (like !== undefined) {
      if (note(like, memory, saying)) join(shown, like);
      byText.set(saying.text, like);
    } else if (shown.length < limit) {
      const fresh = {memory, saying, merged: 0, uses: 0};
      shown.push(fresh);
      byText.set(saying.text, fresh);
    }
    looked += 1;
    if (shown.length < limit) continue;
    if (counted === 'shown' || looked >= Math.max(LEAST_LOOKED_AT, limit * LOOKED_AT)) break;
  }
  return shown.map(({memory, merged, uses}) =>
    merged === 0 ? memory : {...memory, state: summed(memory, merged, uses)},
  );
}

/** Whether it is shown in the place of the one before. */
function note<T>(shown: Shown<T>, memory: Ranked<T>, saying: Saying): boolean {
  const {memory: known} = shown;
  const isOfAnother = memory.episode.agentId !== known.episode.agentId && !areIdentical(saying, shown.saying);
  const takesPlace = isOfAnother && isBetterKnown(memory, known);
  const counted = takesPlace ? known : memory;
  shown.merged += 1 + (counted.state.merged ?? 0);
  shown.uses += counted.state.uses;
  if (!takesPlace) return false;
  // Where the better ranked one stood.
  shown.memory = {...memory, hit: known.hit};
  shown.saying = saying;
  return true;
}

/** What differed from the one before may say the same as the one in its place: the better known of them is shown. */
function join<T>(shown: Shown<T>[], changed: Shown<T>): void {
  for (const other of [...shown]) {
    if (other === changed || !areNearIdentical(other.saying, changed.saying)) continue;
    const better = isBetterKnown(other.memory, changed.memory) ? other : changed;
    const worse = better === other ? changed : other;
    better.merged += 1 + worse.merged + (worse.memory.state.merged ?? 0);
    better.uses += worse.uses + worse.memory.state.uses;
    shown.splice(shown.indexOf(worse), 1);
    if (better === other) return;
  }
}

function isBetterKnown<T>(a: Ranked<T>, b: Ranked<T>): boolean {
  const confirmed = Number(isConfirmed(a)) - Number(isConfirmed(b));
  return confirmed === 0 ? a.key < b.key : confirmed > 0;
}

function isConfirmed({state}: KeptMemory): boolean {
  return state.confirmed > state.refuted;
}

function summed({state}: KeptMemory, merged: number, uses: number): KeptMemory['state'] {
  return {...state, merged: (state.merged ?? 0) + merged, uses: state.uses + uses};
}
