import type {Episode, EpisodeState} from '../../../model/episode.ts';
import {LEAST_RECALLED, meetsQuorum} from '../../security/reputation.ts';
import {isSealedEpisode} from '../../security/tenant-seal.ts';
import {areIdentical, areNearIdentical, type Saying} from '../../recall/near-identical.ts';

/** An episode as merging sees it. */
export interface MergeCandidate {
  /** Its position: an older one has a smaller key. */
  readonly key: number;
  readonly episode: Episode;
  readonly state: EpisodeState;
  readonly saying: Saying;
  /** In its agent, from 0 to 1. */
  readonly trust: number;
}

export interface MergeRule {
  readonly quorum: number;
  /** Unix epoch, milliseconds. */
  readonly nowMs: number;
}

/** Whether it may be merged, or be recalled in the place of another: nothing speaks against it. */
export function isFit({episode, state, trust}: Omit<MergeCandidate, 'saying'>, nowMs: number): boolean {
  const {expiresAtMs} = episode;
  return (
    state.standing === 'active' &&
    (state.refuted === 0 || state.confirmed > state.refuted) &&
    trust >= LEAST_RECALLED &&
    (expiresAtMs === null || expiresAtMs > nowMs) &&
    !isSealedEpisode(episode)
  );
}

/** Whether it still stands for what was merged into it: as `isFit`, though it may have been merged itself. */
export function isKept(candidate: Omit<MergeCandidate, 'saying'>, nowMs: number): boolean {
  const {state} = candidate;
  return isFit(state.standing === 'merged' ? {...candidate, state: {...state, standing: 'active'}} : candidate, nowMs);
}

/**
 * Which of two is recalled for both; null: each stays for itself. Nobody's lesson disappears behind what somebody else made of it: those
 * of different agents must say the same to the letter, or the one that stays must have been confirmed by another agent than its own, and
 * no less than the other. The one that stays meets the quorum if either does, lives at least as long, and is the older one.
 */
export function keeperOf(a: MergeCandidate, b: MergeCandidate, {quorum, nowMs}: MergeRule): MergeCandidate | null {
  if (!isFit(a, nowMs) || !isFit(b, nowMs) || !areNearIdentical(a.saying, b.saying)) return null;
  // Where signatures are asked for, what has none does not stand for what has one.
  if ((a.episode.signature === null) !== (b.episode.signature === null)) return null;
  const [keeper, other] = standsBefore(a, b, quorum) ? [a, b] : [b, a];
  if (endOf(keeper.episode) < endOf(other.episode)) return null;
  const isSafe =
    areIdentical(a.saying, b.saying) ||
    a.episode.agentId === b.episode.agentId ||
    (keeper.state.confirmed > 0 && keeper.state.confirmed >= other.state.confirmed);
  return isSafe ? keeper : null;
}

function standsBefore(a: MergeCandidate, b: MergeCandidate, quorum: number): boolean {
  const met = Number(meetsQuorum(a.state, quorum)) - Number(meetsQuorum(b.state, quorum));
  if (met !== 0) return met > 0;
  const confirmed = Number(a.state.confirmed > 0) - Number(b.state.confirmed > 0);
  return confirmed === 0 ? a.key < b.key : confirmed > 0;
}

function endOf({expiresAtMs}: Episode): number {
  return expiresAtMs ?? Number.POSITIVE_INFINITY;
}
