import type {Embedder} from '../../../src/hub/recall/vector-index.ts';
import {OTHER_WORDS, SAME_WORDS} from './sanity-pairs.ts';
import {cosine} from './vectors.ts';

/** For how many of the pairs the paraphrase is nearer to its own task than to any other of all the tasks. */
export async function hitsOf(embedder: Embedder, pairs: typeof SAME_WORDS): Promise<number> {
  const all = [...SAME_WORDS, ...OTHER_WORDS];
  const tasks = await embedder.embed(all.map(([task]) => task));
  const paraphrases = await embedder.embed(pairs.map(([, paraphrase]) => paraphrase));
  let hits = 0;
  for (const [place, paraphrase] of paraphrases.entries()) {
    const similarities = tasks.map(task => cosine(task, paraphrase));
    const best = similarities.indexOf(Math.max(...similarities));
    if (all[best] === pairs[place]) hits += 1;
  }
  return hits;
}
