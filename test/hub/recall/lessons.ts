import type {Lesson} from '../../../src/hub/recall/lesson.ts';
import type {Episode, EpisodeState} from '../../../src/model/episode.ts';

export const NOW = 1_800_000_000_000;
export const DAY_MS = 86_400_000;

interface LessonSketch {
  readonly key: number;
  readonly task?: string;
  readonly critique?: string | null;
  readonly ageDays?: number;
  readonly episode?: Partial<Episode>;
  readonly state?: Partial<EpisodeState>;
}

/** A successful lesson of one day ago, but for what is said. */
export function lesson(sketch: LessonSketch): Lesson {
  const {key, task = 'Write tests', critique = 'Run them twice.', ageDays = 1} = sketch;
  const episode: Episode = {
    id: `e${key}`,
    agentId: `agent-${key}`,
    sessionId: null,
    task,
    input: '',
    output: 'done',
    critique,
    reward: 0.5,
    success: true,
    tags: [],
    at: '',
    expiresAtMs: null,
    signature: null,
    ...sketch.episode,
  };
  const state: EpisodeState = {
    up: 0,
    down: 0,
    uses: 0,
    tags: [],
    critique: null,
    confirmed: 0,
    refuted: 0,
    standing: 'active',
    ...sketch.state,
  };
  return {key, episode, state, atMs: NOW - ageDays * DAY_MS};
}
