import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Random, seededRandom} from '../../src/base/random.ts';

export interface Dag {
  readonly name: string;
  readonly tasks: readonly DagTask[];
}

interface DagTask {
  readonly kind: string;
  readonly ms: number;
  /** Indexes of tasks. */
  readonly needs: readonly number[];
}

interface Compact {
  readonly name: string;
  readonly tasks: readonly (readonly [id: string, kind: string, seconds: number, needs: readonly number[]])[];
}

/** Recorded workflows from a folder, a file each: `{name, tasks: [[id, kind, seconds, indexes of needs], …]}`. */
export function readDags(folder: string): readonly Dag[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.json'))
    .sort()
    .flatMap(file => {
      const document = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Partial<Compact>;
      const {name, tasks} = document;
      if (name === undefined || !tasks) return [];
      return [{name, tasks: tasks.map(([, kind, seconds, needs]) => ({kind, ms: seconds * 1000, needs}))}];
    });
}

/** Shapes that plans have, with durations that vary as those of real tasks do; always the same. */
export function drawnDags(): readonly Dag[] {
  return [
    drawn('one task after the other', draw => void chain(draw, {length: 30, seconds: 5, after: []})),
    drawn('200 tasks that need nothing', draw => void abreast(draw, {count: 200, kind: 'check', seconds: 20})),
    drawn('40 lanes of 5 steps each, joined', draw => lanes(draw, 40)),
    drawn('map, sort, reduce', mapReduce),
    drawn('ten stages of different width', stages),
    drawn('pairs of neighbours, then all', mosaic),
    drawn('one long task beside many short ones', longAndShort),
    drawn('1,000 short tasks', draw => void abreast(draw, {count: 1000, kind: 'probe', seconds: 0.4})),
    drawn('a release: check, build, test, ship', release),
    drawn('2,000 tasks, each with up to 3 needs', layers),
  ];
}

class Draw {
  readonly tasks: DagTask[] = [];
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Around so many seconds: half of such tasks between two thirds and one and a half times that. */
  task(kind: string, seconds: number, needs: readonly number[] = []): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
    this.tasks.push({kind, ms: seconds * 1000 * Math.exp(0.6 * normal), needs});
    return this.tasks.length - 1;
  }
}

function drawn(name: string, make: (draw: Draw) => void): Dag {
  const draw = new Draw(seededRandom(11));
  make(draw);
  return {name, tasks: draw.tasks};
}

interface Abreast {
  readonly count: number;
  readonly kind: string;
  readonly seconds: number;
  readonly after?: readonly number[];
}

function abreast(draw: Draw, {count, kind, seconds, after = []}: Abreast): number[] {
  return Array.from({length: count}, () => draw.task(kind, seconds, after));
}

function chain(
  draw: Draw,
  {length, seconds, after}: {length: number; seconds: number; after: readonly number[]},
): number {
  let last = draw.task('step0', seconds, after);
  for (let step = 1; step < length; step += 1) last = draw.task(`step${step}`, seconds, [last]);
  return last;
}

function lanes(draw: Draw, count: number): void {
  const ends = Array.from({length: count}, () => chain(draw, {length: 5, seconds: 8, after: []}));
  draw.task('join', 10, ends);
}

function mapReduce(draw: Draw): void {
  const split = draw.task('split', 6);
  const maps = abreast(draw, {count: 120, kind: 'map', seconds: 15, after: [split]});
  const sort = draw.task('sort', 20, maps);
  draw.task('report', 4, abreast(draw, {count: 30, kind: 'reduce', seconds: 10, after: [sort]}));
}

function stages(draw: Draw): void {
  let gate: number[] = [];
  for (const width of [4, 40, 2, 60, 10, 1, 30, 50, 5, 20]) {
    gate = [draw.task('gate', 2, abreast(draw, {count: width, kind: `of${width}`, seconds: 12, after: gate}))];
  }
}

function mosaic(draw: Draw): void {
  const tiles = abreast(draw, {count: 40, kind: 'tile', seconds: 10});
  const pairs = tiles.slice(1).map((tile, index) => draw.task('pair', 3, [tile, tiles[index] ?? tile]));
  const fit = draw.task('fit', 5, pairs);
  draw.task(
    'all',
    15,
    tiles.map(tile => draw.task('correct', 4, [tile, fit])),
  );
}

function longAndShort(draw: Draw): void {
  const long = draw.task('long', 300);
  draw.task('end', 5, [long, ...abreast(draw, {count: 100, kind: 'short', seconds: 10})]);
}

function release(draw: Draw): void {
  const ready = draw.task('install', 20);
  const checks = ['format', 'lint', 'types'].map(kind => draw.task(kind, 25, [ready]));
  const builds = abreast(draw, {count: 6, kind: 'build', seconds: 60, after: [ready]});
  const tests = builds.flatMap(build => abreast(draw, {count: 8, kind: 'test', seconds: 90, after: [build]}));
  draw.task('ship', 15, [...checks, ...tests]);
}

function layers(draw: Draw): void {
  const width = 100;
  for (let index = 0; index < 2000; index += 1) {
    const before = Math.floor(index / width) * width - width;
    const needs = new Set<number>();
    if (before >= 0) {
      for (let left = Math.floor(draw.random() * 4); left > 0; left -= 1) {
        needs.add(before + Math.floor(draw.random() * width));
      }
    }
    draw.task(`kind${index % 7}`, 6, [...needs]);
  }
}
