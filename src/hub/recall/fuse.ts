import type {EpisodeState, RecallWhy} from '../../model/episode.ts';

/** What is known of an episode beside its text. */
export interface RecallFacts {
  /** When it was made: Unix epoch, milliseconds. */
  readonly atMs: number;
  /** From 0 to 1. */
  readonly reward: number;
  readonly success: boolean;
  readonly state: EpisodeState;
  /** How far its agent is trusted, from 0 to 1; 0.5, which changes nothing, where it is not said. */
  readonly trust?: number;
}

export interface FuseWeights {
  /** Of the rank by text and by vector; ≥ 0. */
  readonly text: number;
  readonly vector: number;
  /** How much better a new, a rewarded, a successful and a well-judged one is; ≥ 0, 0.1 meaning up to a tenth. */
  readonly recency: number;
  readonly reward: number;
  readonly success: number;
  readonly opinion: number;
  /** Of the trust in its agent; ≥ 0, 0.1 meaning up to a tenth in either direction. */
  readonly trust: number;
  /** After so many milliseconds recency counts half; > 0. */
  readonly halfLifeMs: number;
  /** Ranks are softened by so much; > 0. */
  readonly rankOffset: number;
  /** Vectors less similar than this do not count as found. */
  readonly minSimilarity: number;
}

const DAY_MS = 86_400_000;

/** The offset 60 is that of the source of `fuse`; the priors together can outweigh about a dozen ranks near the top. */
export const DEFAULT_WEIGHTS: FuseWeights = {
  text: 1,
  vector: 1,
  recency: 0.05,
  reward: 0.1,
  success: 0.05,
  opinion: 0.1,
  trust: 0.1,
  halfLifeMs: 30 * DAY_MS,
  rankOffset: 60,
  minSimilarity: 0.05,
};

export interface FuseInput {
  /** Best first, by BM25; `terms` are the words of the query it has. */
  readonly text: readonly {readonly key: number; readonly terms: readonly string[]}[];
  /** Best first. */
  readonly vector: readonly {readonly key: number; readonly similarity: number}[];
  /** null: there is no such episode any more. */
  readonly facts: (key: number) => RecallFacts | null;
  /** Refuses what may not be recalled, such as what lacks its quorum; what is not active is refused anyway. */
  readonly accepts?: (key: number, facts: RecallFacts) => boolean;
  /** Unix epoch, milliseconds. */
  readonly nowMs: number;
  readonly limit: number;
}

/** `why` says ranks, and by what share of itself each prior raised the score; `reward` is all that speaks of the outcome. */
export interface Fused {
  readonly key: number;
  readonly score: number;
  readonly why: RecallWhy;
}

/**
 * One list out of two: each list gives `weight / (offset + rank)`, and their sum is raised by recency, reward, success and
 * what others made of it. Those that are refused take no rank. Among equals the later key, then nothing: keys are unique.
 * Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009.
 */
export function fuse(input: FuseInput, weights: FuseWeights = DEFAULT_WEIGHTS): readonly Fused[] {
  const {accepts, facts, nowMs, limit} = input;
  const known = new Map<number, RecallFacts | null>();
  const recalled = (key: number): boolean => {
    if (known.has(key)) return known.get(key) !== null;
    const found = facts(key);
    const fit = found !== null && found.state.standing === 'active' && (accepts?.(key, found) ?? true);
    known.set(key, fit ? found : null);
    return fit;
  };
  const text = input.text.filter(({key}) => recalled(key));
  const vector = input.vector.filter(hit => hit.similarity >= weights.minSimilarity && recalled(hit.key));
  const textRanks = ranks(text);
  const vectorRanks = ranks(vector);
  const terms = new Map(text.map(hit => [hit.key, hit.terms]));
  const fused: Fused[] = [];
  for (const [key, fact] of known) {
    const ranked = {text: textRanks.get(key) ?? null, vector: vectorRanks.get(key) ?? null};
    if (fact === null || (ranked.text === null && ranked.vector === null)) continue;
    fused.push({key, ...scored(ranked, priors(fact, nowMs, weights), weights, terms.get(key) ?? [])});
  }
  return fused.sort((a, b) => b.score - a.score || b.key - a.key).slice(0, limit);
}

function ranks(hits: readonly {readonly key: number}[]): ReadonlyMap<number, number> {
  const ranked = new Map<number, number>();
  for (const {key} of hits) if (!ranked.has(key)) ranked.set(key, ranked.size + 1);
  return ranked;
}

function priors(facts: RecallFacts, nowMs: number, weights: FuseWeights): {recency: number; reward: number} {
  // A clock of elsewhere may be ahead of ours; what comes from the future is new.
  const ageMs = Math.max(0, nowMs - facts.atMs);
  const outcome = weights.reward * facts.reward + (facts.success ? weights.success : 0);
  return {
    recency: weights.recency * 2 ** (-ageMs / weights.halfLifeMs),
    reward: outcome + weights.opinion * opinion(facts.state) + weights.trust * (2 * (facts.trust ?? 0.5) - 1),
  };
}

function scored(
  found: {readonly text: number | null; readonly vector: number | null},
  {recency, reward}: {readonly recency: number; readonly reward: number},
  weights: FuseWeights,
  terms: readonly string[],
): {score: number; why: RecallWhy} {
  const byText = found.text === null ? 0 : weights.text / (weights.rankOffset + found.text);
  const byVector = found.vector === null ? 0 : weights.vector / (weights.rankOffset + found.vector);
  const score = (byText + byVector) * Math.max(0, 1 + recency + reward);
  return {score, why: {...found, recency, reward, terms}};
}

/**
 * What others made of an episode, from -1 to 1; 0: nothing, or they disagree. A confirmation or refutation by another
 * outcome counts as much as three votes; being used speaks for it a little, and ever less.
 */
export function opinion(state: EpisodeState): number {
  const pro = state.up + 3 * state.confirmed + Math.log2(1 + state.uses) / 4;
  const contra = state.down + 3 * state.refuted;
  // As if there were two voices for each side already, so that a single vote is no verdict.
  return (pro - contra) / (pro + contra + 4);
}
