import type {EpisodeState} from '../../model/episode.ts';

/** What verified outcomes say of an agent: how many bore out what it told and how many did not, each worth less as it ages. */
export interface Reputation {
  readonly good: number;
  readonly bad: number;
  /** The time that `good` and `bad` are worth this at; Unix epoch, milliseconds. */
  readonly atMs: number;
}

export const NO_REPUTATION: Reputation = {good: 0, bad: 0, atMs: 0};

/** An outcome counts half after this long, in milliseconds. */
export const REPUTATION_HALF_LIFE_MS = 30 * 86_400_000;

export interface Outcome {
  /** Whether what the agent told held when somebody else tried it. */
  readonly held: boolean;
  /** From 0 to 1: how much it counts; 1 unless said. */
  readonly weight?: number;
  readonly atMs: number;
}

/** With one more outcome; in whatever order they come, the sum is the same. Throws RangeError on a weight or time that is none. */
export function withOutcome(reputation: Reputation, {held, weight = 1, atMs}: Outcome): Reputation {
  if (!(weight >= 0 && weight <= 1)) throw new RangeError(`The weight of an outcome is ${weight}: use 0 to 1`);
  if (!Number.isFinite(atMs)) throw new RangeError(`The time of an outcome is ${atMs}: use milliseconds since 1970`);
  const later = aged(reputation, Math.max(atMs, reputation.atMs));
  const worth = weight * decay(later.atMs - atMs);
  return held ? {...later, good: later.good + worth} : {...later, bad: later.bad + worth};
}

/** Without an outcome that was taken into it. */
export function withoutOutcome(reputation: Reputation, {held, weight = 1, atMs}: Outcome): Reputation {
  const worth = weight * decay(reputation.atMs - atMs);
  const {good, bad} = reputation;
  return held ? {...reputation, good: Math.max(0, good - worth)} : {...reputation, bad: Math.max(0, bad - worth)};
}

/** What one agent says of another counts as so many outcomes at most, however often it says it: nobody makes or breaks anybody alone. */
export const MOST_OF_ONE = 2;

/** What all who were heard say together, as of `nowMs`; `heard` has what each of them says. */
export function reputationOf(heard: Iterable<Reputation>, nowMs: number): Reputation {
  let [good, bad] = [0, 0];
  for (const one of heard) {
    const now = aged(one, Math.max(nowMs, one.atMs));
    const share = Math.min(1, MOST_OF_ONE / (now.good + now.bad || 1));
    good += now.good * share;
    bad += now.bad * share;
  }
  return {good, bad, atMs: nowMs};
}

/**
 * What an agent tells is recalled by others while the trust in it is at least this. Somebody unknown has 0.5, who was refuted as often as
 * possible by one other agent has 0.25, by two 0.17.
 */
export const LEAST_RECALLED = 0.25;

/**
 * How likely what the agent tells next will hold, from 0 to 1: the mean of the Beta posterior under a uniform prior (Laplace's rule of
 * succession), 0.5 for somebody unknown.
 */
export function trustOf(reputation: Reputation, nowMs: number): number {
  const {good, bad} = aged(reputation, Math.max(nowMs, reputation.atMs));
  return (good + 1) / (good + bad + 2);
}

export interface TrustRule {
  /** The least of `trustOf`, from 0 to 1. */
  readonly least: number;
  /** The least sum of outcomes, aged; below it nobody is trusted. */
  readonly evidence: number;
}

/** Rather more good than bad, and seen more than by chance. */
export const TRUST_RULE: TrustRule = {least: 0.6, evidence: 2};

export function isTrusted(reputation: Reputation, nowMs: number, {least, evidence}: TrustRule = TRUST_RULE): boolean {
  const {good, bad} = aged(reputation, Math.max(nowMs, reputation.atMs));
  return good + bad >= evidence && (good + 1) / (good + bad + 2) >= least;
}

/**
 * Whether a lesson may be recalled where `quorum` agents other than its own must have confirmed it. 0: as soon as it is there.
 * Throws RangeError on a quorum that is no whole number from 0.
 */
export function meetsQuorum(state: Pick<EpisodeState, 'confirmed' | 'standing'>, quorum: number): boolean {
  if (!Number.isSafeInteger(quorum) || quorum < 0) throw new RangeError(`The quorum is ${quorum}: use 0, 1, 2 …`);
  return state.standing === 'active' && state.confirmed >= quorum;
}

function aged({good, bad, atMs}: Reputation, toMs: number): Reputation {
  const left = decay(toMs - atMs);
  return {good: good * left, bad: bad * left, atMs: toMs};
}

function decay(ageMs: number): number {
  return 0.5 ** (ageMs / REPUTATION_HALF_LIFE_MS);
}
