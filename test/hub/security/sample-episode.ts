import type {Episode} from '../../../src/model/episode.ts';

export function sampleEpisode(changed: Partial<Episode> = {}): Episode {
  return {
    id: '0196c0de-0000-7000-8000-000000000001',
    agentId: 'pi-07',
    sessionId: null,
    task: 'make the build green',
    input: 'npm test fails in parser.test.ts',
    output: 'the tokenizer dropped the last line; fixed',
    critique: 'look at the last line first',
    reward: 0.75,
    success: true,
    tags: ['build', 'parser'],
    at: '2030-01-01T00:00:00.000Z-0000-pi-07',
    expiresAtMs: null,
    signature: null,
    ...changed,
  };
}
