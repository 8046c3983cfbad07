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
const SHARPNESS = 8;
/** What is thought of an approach that nobody has tried: one of `n` works, and that is worth this many outcomes. */
const PRIOR = 1;
/** An own failure is about this very task, and says more than one of somebody else's. */
const OWN_FAILURE = 2;

/** How an episode tells what was tried. */
export function toldOf(approach: string, said: string): string {
  return `approach: ${approach}\n${said}`;
}

/** What the memories say of each approach: by the line that names it, whether it succeeded, and how well its task fits. */
export function rememberedOf(memories: readonly Memory[]): Remembered {
  const best = Math.max(0, ...memories.map(({score}) => score));
  const remembered = new Map<string, Evidence>();
  for (const {episode, score} of memories) {
    const name = /^approach: (.+)$/m.exec(episode.output)?.[1];
    if (name === undefined || best <= 0) continue;
    const {good, bad} = remembered.get(name) ?? {good: 0, bad: 0};
    const weight = (score / best) ** SHARPNESS;
    const worth = episode.success ? episode.reward : 0;
    remembered.set(name, {good: good + weight * worth, bad: bad + weight * (1 - worth)});
  }
  return remembered;
}

/**
 * The approach to try next, by Thompson sampling: each one's chance to work is a Beta distribution of the outcomes that are remembered, one
 * number is drawn from each, and the highest wins. An approach that has failed at this task (`failures` times) is tried again only if it is
 * still more likely to work than one that nobody has tried, or when all have failed. Without memory that is an order by chance, each once.
 * Source: Thompson, "On the likelihood that one unknown probability exceeds another in view of the evidence of two samples", 1933.
 */
export function choose(
  approaches: readonly Approach[],
  {
    remembered,
    failures,
    random,
  }: {remembered: Remembered; failures: ReadonlyMap<string, number>; random: Random},
): Approach {
  const share = PRIOR / approaches.length;
  const beliefs = approaches.map(approach => {
    const {good, bad} = remembered.get(approach.name) ?? {good: 0, bad: 0};
    const failed = failures.get(approach.name) ?? 0;
    const [alpha, beta] = [share + good, PRIOR - share + bad + OWN_FAILURE * failed];
    return {approach, failed, alpha, beta, mean: alpha / (alpha + beta)};
  });
  const open = beliefs.filter(({failed, mean}) => failed === 0 || mean > 1 / approaches.length);
  const drawn = (open.length > 0 ? open : beliefs).map(belief => ({
    approach: belief.approach,
    chance: betaSample(random, belief.alpha, belief.beta),
  }));
  const [first, ...others] = drawn;
  if (first === undefined) throw new RangeError('there is no approach to choose from');
  return others.reduce((best, each) => (each.chance > best.chance ? each : best), first).approach;
}

/** From 0 to 1. */
function betaSample(random: Random, alpha: number, beta: number): number {
  const [x, y] = [logGammaSample(random, alpha), logGammaSample(random, beta)];
  return 1 / (1 + Math.exp(y - x));
}

/**
 * The logarithm of a gamma variate: for a small shape the variate itself is too small for a number.
 * Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
 */
function logGammaSample(random: Random, shape: number): number {
  if (shape < 1) return logGammaSample(random, shape + 1) + Math.log(1 - random()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - random()) < normal ** 2 / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
