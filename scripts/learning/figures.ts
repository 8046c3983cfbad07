import {median} from '../bench/table.ts';
import type {Line, Measured} from './experiment.ts';
import type {Run} from './generation.ts';

/** What one attempt costs beside its CPU, in milliseconds: an assumption, as if each took its agent that long to decide. */
export const PRICE_MS = 100;
/** The generation that is held against the first. */
export const JUDGED = 3;
export const MOST_SHARE = 0.5;
/** A line is flat if what it falls by is no more than so many standard errors of the seeds. */
const ERRORS = 3;

/** Over the seeds. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Point {
  readonly line: Line;
  readonly generation: number;
  /** Share of tasks done at the first attempt, 0 to 1. */
  readonly first: Spread;
  /** Share of tasks done at all. */
  readonly done: Spread;
  readonly attempts: Spread;
  /** Milliseconds per success. */
  readonly cpuMs: Spread;
  readonly costMs: Spread;
}

/** Of the families that `counts` takes. */
export function pointsOf(measured: readonly Measured[], counts: (run: Run) => boolean): readonly Point[] {
  const groups = grouped(measured, ({line, generation}) => `${line} ${generation}`);
  return [...groups.values()].flatMap(group => {
    const [one] = group;
    if (one === undefined) return [];
    const seeds = group.map(({runs}) => figuresOf(runs.filter(counts)));
    const spread = (pick: (figures: Figures) => number) => spreadOf(seeds.map(pick));
    return [
      {
        line: one.line,
        generation: one.generation,
        first: spread(({first}) => first),
        done: spread(({done}) => done),
        attempts: spread(({attempts}) => attempts),
        cpuMs: spread(({cpuMs}) => cpuMs),
        costMs: spread(({costMs}) => costMs),
      },
    ];
  });
}

interface Figures {
  readonly first: number;
  readonly done: number;
  readonly attempts: number;
  readonly cpuMs: number;
  readonly costMs: number;
}

/** Per success: everything that was spent, for failures too. Without any success they are infinite. */
export function figuresOf(runs: readonly Run[]): Figures {
  const successes = runs.filter(({success}) => success);
  const per = (pick: (run: Run) => number) => runs.reduce((sum, run) => sum + pick(run), 0) / successes.length;
  return {
    first: successes.filter(({attempts}) => attempts === 1).length / runs.length,
    done: successes.length / runs.length,
    attempts: per(({attempts}) => attempts),
    cpuMs: per(({cpuMs}) => cpuMs),
    costMs: per(({cpuMs, attempts}) => cpuMs + PRICE_MS * attempts),
  };
}

export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean;
}

/** Of the families that can be learnt. */
export function verdictsOf(measured: readonly Measured[]): readonly Verdict[] {
  const points = pointsOf(measured, ({isNoise}) => !isNoise);
  const shares = (['shared', 'unseen'] as const).map((line): Verdict => {
    const of = (generation: number) =>
      points.find(point => point.line === line && point.generation === generation)?.attempts.median ?? Number.NaN;
    const share = of(JUDGED) / of(1);
    return {
      what: `attempts per success, generation ${JUDGED} against 1${line === 'unseen' ? ', unseen tasks' : ''}`,
      measured: percent(share),
      target: `≤ ${percent(MOST_SHARE)}`,
      met: share <= MOST_SHARE,
    };
  });
  return [...shares, flatnessOf(measured)];
}

/** Each seed falls by something from its first generation to the last; the mean of that beside its standard error. */
function flatnessOf(measured: readonly Measured[]): Verdict {
  const alone = measured.filter(({line}) => line === 'alone');
  const falls = [...grouped(alone, ({seed}) => String(seed)).values()].map(generations => {
    const attempts = generations.map(({runs}) => figuresOf(runs.filter(({isNoise}) => !isNoise)).attempts);
    return (attempts.at(0) ?? Number.NaN) - (attempts.at(-1) ?? Number.NaN);
  });
  const mean = falls.reduce((sum, fall) => sum + fall, 0) / falls.length;
  const squares = falls.reduce((sum, fall) => sum + (fall - mean) ** 2, 0);
  const error = Math.sqrt(squares / (falls.length - 1) / falls.length);
  return {
    what: 'what the line without the hub falls by from the first generation to the last, attempts per success',
    measured: `${mean.toFixed(2)} ± ${error.toFixed(2)}`,
    target: `≤ ${ERRORS} standard errors`,
    met: mean <= ERRORS * error,
  };
}

function grouped<T>(things: readonly T[], by: (thing: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) groups.set(by(thing), [...(groups.get(by(thing)) ?? []), thing]);
  return groups;
}

function spreadOf(values: readonly number[]): Spread {
  return {median: median(values), low: Math.min(...values), high: Math.max(...values)};
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
