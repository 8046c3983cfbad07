import type {Episode, EpisodeState, Memory} from '../../../src/model/episode.ts';

export function memory(over: Partial<Episode> = {}, state: Partial<EpisodeState> = {}): Memory {
  const episode: Episode = {
    id: 'one',
    agentId: 'team-1',
    sessionId: 'team',
    task: 'task',
    input: '',
    output: '',
    critique: null,
    reward: 1,
    success: true,
    tags: [],
    at: '0190a1b2c3d4-0000-node',
    expiresAtMs: null,
    signature: null,
    ...over,
  };
  const standing = 'active';
  const untouched = {
    up: 0,
    down: 0,
    uses: 0,
    tags: episode.tags,
    critique: null,
    confirmed: 0,
    refuted: 0,
    standing,
  } as const;
  return {episode, state: {...untouched, ...state}, score: 1};
}
