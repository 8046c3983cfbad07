import type {Episode, EpisodeChange, LogItem} from '../../../../src/model/episode.ts';

let made = 0;

/** A stamp of the hybrid clock's form; greater numbers are later. */
export function stamp(number: number): string {
  return `${number.toString(16).padStart(12, '0')}-0000-test`;
}

export function episode(fields: Partial<Episode> = {}): Episode {
  made += 1;
  return {
    id: `episode-${made}`,
    agentId: 'alice',
    sessionId: null,
    task: 'compile the parser',
    input: 'the grammar of the plan',
    output: 'a table of states',
    critique: null,
    reward: 0.5,
    success: true,
    tags: ['build'],
    at: stamp(1),
    expiresAtMs: null,
    signature: null,
    ...fields,
  };
}

export function item(fields: Partial<Episode> = {}): LogItem & {kind: 'episode'} {
  return {kind: 'episode', episode: episode(fields)};
}

type Said = EpisodeChange extends infer C
  ? C extends EpisodeChange
    ? Omit<C, 'id' | 'episode' | 'by' | 'at'>
    : never
  : never;

export function change(of: string, said: Said, fields: Partial<EpisodeChange> = {}): LogItem & {kind: 'change'} {
  made += 1;
  // The cast puts together what TypeScript keeps apart by kind.
  const whole = {id: `change-${made}`, episode: of, by: 'bob', at: stamp(2), ...said, ...fields} as EpisodeChange;
  return {kind: 'change', change: whole};
}
