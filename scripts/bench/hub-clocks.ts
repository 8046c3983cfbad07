import {fileURLToPath} from 'node:url';
import {seededRandom} from '../../src/base/random.ts';
import {CausalView} from '../../src/hub/replica/causal-view.ts';
import {VersionVector} from '../../src/hub/replica/version-vector.ts';
import {conflicts, encodeWriteClock, MAX_BEYOND, type PlacedWrite} from '../../src/hub/replica/write-clock.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const WRITERS = 1000;
const ROUNDS = 31;
const MOST_US = 50;

/** A clock as it comes without care: an object with a count for each writer, copied before each change. */
type PlainClock = Record<string, number>;

interface Case {
  readonly what: string;
  readonly run: () => unknown;
  /** What has to be the case for the figure to mean anything; checked once. */
  readonly expect: (result: never) => boolean;
}

/**
 * Merging and comparing the clocks of 1,000 writers, and asking whether two writes are in conflict, beside only copying such a clock.
 * All in one process, the cases by turns, so that they share its weather.
 */
export const hubClocksBench: Bench = {
  name: 'hub-clocks',
  title: 'Clocks of 1,000 writers: merge and conflict check',
  run: () => {
    const plain = plainClock(1);
    const map = new Map(Object.entries(plain));
    const anchors = [
      {name: 'copy of a Map', run: () => new Map(map)},
      {name: 'of an object', run: () => ({...plain})},
      {name: 'structured clone', run: () => structuredClone(plain)},
      {name: 'merge of objects', run: () => plainMerge(plain, plain)},
    ];
    const cases = [...vectorCases(), ...writeCases()];
    for (const {what, run, expect} of cases) if (!expect(run() as never)) throw new Error(`not measured: ${what}`);
    const us = measure([...anchors, ...cases].map(({run}) => run));
    const [copy = Number.NaN] = us;
    const beside = anchors.map(({name}, index) => `${name} ${format(us[index])}`).join(', ');
    const rows = cases.map(({what}, index): BenchRow => {
      const ours = us[anchors.length + index] ?? Number.NaN;
      return {
        what,
        ours: format(ours),
        anchor: beside,
        ratio: `${(ours / copy).toFixed(ours / copy < 0.01 ? 4 : 2)}× of the copied Map`,
        target: `≤ ${MOST_US} µs`,
        met: ours <= MOST_US,
      };
    });
    return Promise.resolve([...rows, sizeRow()]);
  },
};

function vectorCases(): Case[] {
  const a = vector(1);
  const known = a.with(writer(0), 5000);
  // The same nodes in one array, as vectors have that were made from one another.
  const near = [...vector(2).entries()].reduce((grows, [node, count]) => grows.with(node, count), a);
  const other = a.with(writer(1), 9000);
  const concurrent = near.with(writer(1), 1000);
  // Read from a frame: equal text in other strings.
  const far = vector(3);
  const half = VersionVector.of(
    [...vector(4).entries()].map(([node, count], n) => [n % 2 === 0 ? node : `${node}-x`, count]),
  );
  const isNew = (result: VersionVector) => result !== a && result.size >= WRITERS;
  return [
    {what: 'merge, concurrent, of one origin', run: () => other.merge(concurrent), expect: isNew},
    {what: 'merge, concurrent, one read from a frame', run: () => a.merge(far), expect: isNew},
    {what: 'merge, concurrent, half of the writers in only one', run: () => a.merge(half), expect: isNew},
    {what: 'merge that adds nothing', run: () => known.merge(a), expect: (result: VersionVector) => result === known},
    {
      what: 'conflict check of whole vectors, of one origin',
      run: () => other.compare(concurrent),
      expect: isConcurrent,
    },
    {what: 'conflict check of whole vectors, one read from a frame', run: () => a.compare(far), expect: isConcurrent},
    {what: 'one more event of one writer', run: () => a.with(writer(500), 9000), expect: isNew},
  ];
}

function isConcurrent(order: string): boolean {
  return order === 'concurrent';
}

/** Writes as the log has them, and such that have seen 1,000 writers the log does not have yet. */
function writeCases(): Case[] {
  const placed = (node: string, base: number, position: number): PlacedWrite => ({
    clock: new CausalView({log: 'tenant', node, base}).write(),
    position,
  });
  const [one, two] = [placed(writer(1), 5000, 5001), placed(writer(2), 5000, 5002)];
  const heard = (base: PlacedWrite, seed: number): PlacedWrite => ({
    clock: {...base.clock, beyond: vector(seed)},
    position: null,
  });
  const outsider = {clock: {...one.clock, node: 'nobody knows'}, position: null};
  const [three, four] = [heard(outsider, 5), heard({...outsider, clock: {...outsider.clock, node: 'nor this'}}, 6)];
  return [
    {what: 'conflict check of two writes', run: () => conflicts(one, two), expect: Boolean},
    {
      what: `conflict check of two writes, each with ${MAX_BEYOND} writers beyond the log`,
      run: () => conflicts(three, four),
      expect: Boolean,
    },
  ];
}

/** What the clock of a write takes, as against a count for each of the writers it may have seen. */
function sizeRow(): BenchRow {
  const view = new CausalView({log: 'tenant', node: writer(1), base: 100_000});
  const bytes = JSON.stringify(encodeWriteClock(view.write())).length;
  const whole = JSON.stringify(vector(1)).length;
  return {
    what: 'size of the clock of a write by one of 1,000 writers, as JSON',
    ours: `${bytes} B`,
    anchor: `whole vector ${whole} B`,
    ratio: `${(bytes / whole).toFixed(4)}×`,
    target: '–',
    met: null,
  };
}

/** Names as they are: the ids of agents of one day, alike in front. In strings of their own, as out of a frame. */
function writer(n: number): string {
  return Buffer.from(`agent-0199a1b2-c3d4-7e5f-8a9b-${n.toString(16).padStart(12, '0')}`).toString();
}

function vector(seed: number): VersionVector {
  return VersionVector.of(
    Object.entries(plainClock(seed)).map(([node, count]) => [Buffer.from(node).toString(), count]),
  );
}

function plainClock(seed: number): PlainClock {
  const random = seededRandom(seed);
  return Object.fromEntries(Array.from({length: WRITERS}, (_, n) => [writer(n), 1 + Math.floor(random() * 1000)]));
}

function plainMerge(a: PlainClock, b: PlainClock): PlainClock {
  const merged = {...a};
  for (const [node, count] of Object.entries(b)) merged[node] = Math.max(merged[node] ?? 0, count);
  return merged;
}

/** Median microseconds of one call of each, in rounds by turns, each long enough for the timer. */
function measure(runs: readonly (() => unknown)[]): number[] {
  const calls = runs.map(run => callsPerRound(run));
  const rounds = runs.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    runs.forEach((run, index) => rounds[index]?.push(time(run, calls[index] ?? 1)));
  }
  return rounds.map(median);
}

/** As many as take about two milliseconds, once the code is warm. */
function callsPerRound(run: () => unknown): number {
  time(run, 500);
  return Math.max(1, Math.round(2000 / Math.max(0.001, time(run, 200))));
}

/** Keeps the last result, so that no call can be left out. */
let kept: unknown;

function time(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call += 1) kept = run();
  const us = ((performance.now() - start) * 1000) / calls;
  if (kept === undefined) throw new Error('nothing was measured');
  return us;
}

function format(us = Number.NaN): string {
  return us < 1 ? `${(us * 1000).toFixed(0)} ns` : `${us.toFixed(us < 10 ? 1 : 0)} µs`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await hubClocksBench.run());
