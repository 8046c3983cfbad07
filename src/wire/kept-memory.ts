import {z} from 'zod';
import {fail, ok, type Result} from '../base/result.ts';
import {EPISODE_STANDINGS, type EpisodeState, type KeptMemory} from '../model/episode.ts';
import {episodeSchema} from './hub-protocol.ts';

/**
 * An episode with its state as one line of JSON: the form in which memories go from one project to another. Version 1; fields are only
 * ever added, so those that are not known are left out.
 */
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const keptSchema = z.object({
  v: z.literal(1),
  episode: episodeSchema,
  state: z
    .object({
      up: count,
      down: count,
      uses: count,
      tags: z.array(z.string().min(1).max(100)).max(500),
      critique: z
        .string()
        .max(256 * 1024)
        .nullable(),
      confirmed: count,
      refuted: count,
      standing: z.enum([...EPISODE_STANDINGS, 'merged']).exclude(['forgotten']),
      merged: count.exactOptional(),
      mergedInto: z.string().min(1).max(200).exactOptional(),
    })
    .optional(),
});

/** Of one line, in characters: no episode needs more. */
export const MAX_KEPT_CHARS = 8 * 1024 * 1024;

/** Fails with a sentence that says what is wrong with it. Without a state it is an episode that nobody has touched. */
export function readKeptLine(text: string): Result<KeptMemory, string> {
  if (text.length > MAX_KEPT_CHARS) return fail(`it has more than ${MAX_KEPT_CHARS / 2 ** 20} MiB`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail('it is not JSON');
  }
  const parsed = keptSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? '' : `\`${issue.path.map(String).join('.')}\`: `;
    return fail(`${where}${issue?.message ?? 'it is no memory'}`);
  }
  const {episode, state = untouched(parsed.data.episode)} = parsed.data;
  return ok({episode, state});
}

function untouched({tags, critique}: KeptMemory['episode']): EpisodeState {
  return {up: 0, down: 0, uses: 0, tags, critique, confirmed: 0, refuted: 0, standing: 'active'};
}
