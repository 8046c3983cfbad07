import type {Random} from '../../src/base/random.ts';
import type {Memory} from '../../src/model/episode.ts';
import type {Approach} from './task.ts';

/** What speaks for and against an approach, in outcomes; fractions where they weigh less. */
export interface Evidence {
  readonly good: number;
  readonly bad: number;
}

export type Remembered = ReadonlyMap<string, Evidence>;

/** How much less a memory weighs that was found with a lower score: its share of the best score to this power. */
const SHARPNESS = 10;
/** What is thought of an approach that nobody has tried: one of `n` works, and that is worth this many outcomes. */
const PRIOR = 1;
/** How often an approach that works for a task fails all the same, for all that an agent knows. */
const BAD_LUCK = 0.1;

/** How an episode tells what was tried. */
export function toldOf(approach: string, said: string): string {
  return `approach: ${approach}\n${said}`;
}

/**
 * What the memories say of each of these approaches: by the line that names it, whether it succeeded, and how well its task fits. A memory of
 * something that is not among them says nothing here.
 */
export function rememberedOf(memories: readonly Memory[], approaches: readonly Approach[]): Remembered {
  const told = memories.flatMap(({episode, score}) => {
    const name = /^approach: (.+)$/m.exec(episode.output)?.[1];
    return name !== undefined && approaches.some(approach => approach.name === name) ? [{name, episode, score}] : [];
  });
  const best = Math.max(Number.MIN_VALUE, ...told.map(({score}) => score));
  const remembered = new Map<string, Evidence>();
  for (const {name, episode, score} of told) {
    const {good, bad} = remembered.get(name) ?? {good: 0, bad: 0};
    const weight = (score / best) ** SHARPNESS;
    const worth = episode.success ? episode.reward : 0;
    remembered.set(name, {good: good + weight * worth, bad: bad + weight * (1 - worth)});
  }
  return remembered;
}

/**
 * The approach to try next: the one that is most likely to work, after the outcomes that are remembered and those of this task; among equals
 * any. The belief is the mean of a Beta distribution that begins with one of `n` approaches working. One that has failed at this task
 * (`failures` times) works for it only if that was bad luck. Without memory that is an order by chance, each once.
 */
export function choose(
  approaches: readonly Approach[],
  {remembered, failures, random}: {remembered: Remembered; failures: ReadonlyMap<string, number>; random: Random},
): Approach {
  const ranked = approaches
    .map(approach => ({
      approach,
      chance: chanceOf(remembered.get(approach.name) ?? {good: 0, bad: 0}, {
        share: PRIOR / approaches.length,
        failures: failures.get(approach.name) ?? 0,
      }),
      lot: random(),
    }))
    .sort((a, b) => b.chance - a.chance || a.lot - b.lot);
  const [best] = ranked;
  if (best === undefined) throw new RangeError('there is no approach to choose from');
  return best.approach;
}

/** From 0 to 1; failures by Bayes' rule. */
function chanceOf({good, bad}: Evidence, {share, failures}: {share: number; failures: number}): number {
  const odds = ((share + good) / (PRIOR - share + bad)) * BAD_LUCK ** failures;
  return odds / (1 + odds);
}
