import {type Random, seededRandom} from '../../src/base/random.ts';
import {between, oneOf, seedOf, shuffled} from './choose.ts';
import type {Challenge, Family, Material, Work, Words} from './task.ts';
import {decoding} from './work/decoding.ts';
import {extracting} from './work/extracting.ts';
import {finding} from './work/finding.ts';
import {packing} from './work/packing.ts';
import {sorting} from './work/sorting.ts';

export const ALL_WORK: readonly Work[] = [sorting, extracting, decoding, packing, finding];

/** How often an input is an easy one, and how often an attempt finds it half arrived. */
const EASY = 0.2;
const HALF_ARRIVED = 0.08;

const REASONS: Words = {
  known: ['for the weekly report', 'before the audit on Monday', 'for the dashboard', 'as the customer has asked', ''],
  unseen: ['because finance needs it', "ahead of tonight's handover", 'for the new colleague'],
};

/** known: words that other tasks have too. unseen: a verb, a thing and a reason that no known task has. */
export type Wording = keyof Words;

export interface ChallengeOptions {
  readonly work: readonly Work[];
  /** Of each family. */
  readonly perFamily: number;
  readonly wording: Wording;
}

/** The same seed gives the same challenges: the same texts, files and bad luck. */
export function challengesOf(seed: number, {work, perFamily, wording}: ChallengeOptions): readonly Challenge[] {
  const pairs = work.flatMap(each => each.families.map(family => ({work: each, family})));
  const numbers = Array.from({length: perFamily}, (_, number) => number);
  return pairs.flatMap(pair =>
    numbers.map(number => challengeOf(seedOf(seed, wording, pair.family.name, number), pair, wording)),
  );
}

function challengeOf(seed: number, {work, family}: {work: Work; family: Family}, wording: Wording): Challenge {
  const random = seededRandom(seed);
  const text = textOf(random, {work, family}, wording);
  const approaches = shuffled(random, work.approaches);
  const isEasy = random() < EASY;
  const isNoise = family.isNoise ?? false;
  return {
    task: {text, approaches},
    family: family.name,
    isNoise,
    material: attempt => {
      const luck = seededRandom(seedOf(seed, 'attempt', attempt));
      const made = family.make(isNoise ? luck : seededRandom(seedOf(seed, 'file')), isEasy);
      return !isNoise && luck() < HALF_ARRIVED ? halfArrived(made) : made;
    },
  };
}

function textOf(random: Random, {work, family}: {work: Work; family: Family}, wording: Wording): string {
  const [verb, thing] = [oneOf(random, work.verbs[wording]), oneOf(random, family.things[wording])];
  const reason = oneOf(random, REASONS[wording]);
  return `${verb} ${thing}${reason === '' ? '' : ` ${reason}`} (ticket ${between(random, 1000, 9999)})`;
}

/** As if whoever writes the input were still writing. */
function halfArrived(material: Material): Material {
  return {...material, input: material.input.slice(0, Math.floor(material.input.length / 2))};
}
