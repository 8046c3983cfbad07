/** What agents remember, and how it is changed afterwards. Shared by hub, clients and whatever shows it. */

/** Made by its client: a UUIDv7, so that ids sort by time and a push that is sent again is recognised. */
export type EpisodeId = string;

/**
 * Which write this is, and what its writer had seen: all of the log named first up to `base`, and its own writes before. Four parts for
 * ever, however many agents there were; see `src/hub/replica/write-clock.ts`.
 */
export type WrittenClock = readonly [log: string, node: string, counter: number, base: number];

/** One remembered outcome. It never changes; what people and agents think of it later are changes of their own. */
export interface Episode {
  readonly id: EpisodeId;
  /** Who remembers it; the hub puts in the agent of the verified token, whatever the client said. */
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly task: string;
  readonly input: string;
  readonly output: string;
  readonly critique: string | null;
  /** How good the outcome was, from 0 to 1. */
  readonly reward: number;
  readonly success: boolean;
  readonly tags: readonly string[];
  /** Hybrid logical time at its client, see `src/hub/replica/hybrid-clock.ts`. */
  readonly at: string;
  /** Wall time (Unix epoch, milliseconds) after which it is forgotten; null: by the policy of its tenant. */
  readonly expiresAtMs: number | null;
  /** Ed25519 over the episode's canonical form, by the key its agent has made known; null: not signed. */
  readonly signature: string | null;
  readonly clock?: WrittenClock;
}

/** active: recalled. quarantined: kept and shown to admins, not recalled. forgotten: only its id and position remain. */
export const EPISODE_STANDINGS = ['active', 'quarantined', 'forgotten'] as const;
export type SaidStanding = (typeof EPISODE_STANDINGS)[number];
/** merged: kept, and another one that says the same is recalled in its place. Only the hub merges. */
export type EpisodeStanding = SaidStanding | 'merged';

/** A change of what is mutable about an episode; each is lawful in any order and however often it arrives. */
export type EpisodeChange = {
  /** Of this change: unique, so that it counts once. */
  readonly id: string;
  readonly episode: EpisodeId;
  readonly by: string;
  readonly at: string;
  readonly clock?: WrittenClock;
} & (
  | {readonly kind: 'vote'; readonly value: 1 | -1}
  | {readonly kind: 'use'; readonly count: number}
  | {readonly kind: 'tag'; readonly add: readonly string[]; readonly remove: readonly string[]}
  | {readonly kind: 'critique'; readonly text: string}
  | {readonly kind: 'confirm'; readonly success: boolean}
  | {readonly kind: 'standing'; readonly standing: SaidStanding}
  /** The hub alone says these: that another one says the same, and on that one how many were merged into it, and their uses. */
  | {readonly kind: 'merge'; readonly into: EpisodeId}
  | {readonly kind: 'tally'; readonly merged: number; readonly uses: number}
);

/** What the changes of an episode amount to. */
export interface EpisodeState {
  readonly up: number;
  readonly down: number;
  /** Those of what was merged into it as well. */
  readonly uses: number;
  readonly tags: readonly string[];
  readonly critique: string | null;
  /** Said beside it by who did not know of it, latest first; absent: nothing was. */
  readonly otherCritiques?: readonly string[];
  /** Agents other than its own whose outcomes bore it out, and did not. */
  readonly confirmed: number;
  readonly refuted: number;
  readonly standing: EpisodeStanding;
  /** Others that say the same and are recalled as this one; absent: none. */
  readonly merged?: number;
  /** Which one is recalled in its place; absent: it is not merged. */
  readonly mergedInto?: EpisodeId;
}

/** What stands at one position of a tenant's log. Positions begin at 1 and have no gaps. */
export type LogItem =
  | {readonly kind: 'episode'; readonly episode: Episode}
  | {readonly kind: 'change'; readonly change: EpisodeChange};

export type LogEntry = LogItem & {readonly position: number};

/** An episode with what its changes amount to. */
export interface KeptMemory {
  readonly episode: Episode;
  readonly state: EpisodeState;
}

/** One episode as it is recalled. */
export interface Memory extends KeptMemory {
  /** Fused score; only comparable within one answer. */
  readonly score: number;
  /** Why it was found; only when asked for. */
  readonly why?: RecallWhy;
}

/** Ranks (from 1; null: not found by it) and weights that made a score. */
export interface RecallWhy {
  readonly text: number | null;
  readonly vector: number | null;
  readonly recency: number;
  readonly reward: number;
  readonly terms: readonly string[];
}
