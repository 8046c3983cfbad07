import type {Episode, EpisodeId, Memory} from '../../model/episode.ts';

/** What an attempt leaves to those after it. The memory adds when it was kept. */
export type Lesson = Omit<Episode, 'at' | 'expiresAtMs' | 'signature'>;

/** An attempt that was given an episode has ended: it bears it out, or does not. */
export interface Bearing {
  /** Of this statement: one that is told twice counts once. */
  readonly id: string;
  readonly episode: EpisodeId;
  readonly by: string;
  readonly success: boolean;
}

/** An attempt was given an episode. */
export interface Use {
  /** Of this statement: one that is told twice counts once. */
  readonly id: string;
  readonly episode: EpisodeId;
}

export interface Recall {
  readonly query: string;
  /** At most so many, ≥ 1. */
  readonly k: number;
  /** How long the answer is of use, in milliseconds. Whoever asks goes on without it then. */
  readonly deadlineMs: number;
}

/** What the daemon needs of a memory. Nothing of it may block the daemon; what cannot be kept is lost with a line in the log. */
export interface AttemptMemory {
  /** It will be used soon: what takes a while can begin. */
  prepare(): void;
  /** The best first, of all that was remembered before; fewer where fewer have to do with it. Rejects when it cannot be searched. */
  recall(recall: Recall): Promise<readonly Memory[]>;
  remember(lesson: Lesson): void;
  confirm(bearing: Bearing): void;
  /** Kept within a second or so, with others of the same episode: no recall waits for it. */
  use(use: Use): void;
  /** Keeps what it was told before. */
  close(): Promise<void>;
}
