import {fileURLToPath} from 'node:url';
import {seededRandom} from '../../src/base/random.ts';
import {LogCursor} from '../../src/hub/client/store/log-cursor.ts';
import {openCache} from '../../src/hub/client/store/open-cache.ts';
import {Critiques} from '../../src/hub/replica/critiques.ts';
import {formatStamp} from '../../src/hub/replica/hybrid-clock.ts';
import {Tags} from '../../src/hub/replica/tags.ts';
import {compareWrites, type PlacedWrite} from '../../src/hub/replica/write-clock.ts';
import type {WrittenClock} from '../../src/model/episode.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const WRITERS = 1000;
/** Different tags that they give. */
const TAGS = 50;
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
 * What hub and clients do with the clocks of writes by 1,000 writers. A clock has four parts however many there are, since what its writer had
 * seen of the tenant's log is one position: to merge what others have seen is to follow their writes in the log, and to ask for a
 * conflict is to hold a position against it. Beside it, what only copying and merging a clock with a count for each writer takes. All in one process, the
 * cases by turns, so that they share its weather.
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
    const cases = [...clockCases(), ...foldCases()];
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

function clockCases(): Case[] {
  const writes = Array.from({length: WRITERS}, (_, n) => written(n, n + 1));
  const last: PlacedWrite = {clock: ['tenant', 'nobody knows', 1, WRITERS / 2], position: WRITERS + 1};
  const [one = last, another = last] = [writes[1], writes[2]];
  const follow = () => {
    const cursor = new LogCursor(0);
    for (const {position} of writes) {
      cursor.moveTo(position ?? 0);
      cursor.advance();
    }
    return cursor.position;
  };
  const isAll = (position: number) => position === WRITERS;
  const concurrent = () => writes.filter(write => compareWrites(write, last) === 'concurrent').length;
  return [
    {
      what: 'clocks of 1,000 writes, one by each writer, merged into what a client has seen',
      run: follow,
      expect: isAll,
    },
    {what: 'one write held against the last write of each of 1,000 writers', run: concurrent, expect: isHalf},
    {what: 'conflict check of two writes', run: () => compareWrites(one, another), expect: isConcurrent},
  ];
}

function isHalf(count: number): boolean {
  return count === WRITERS / 2;
}

function isConcurrent(order: string): boolean {
  return order === 'concurrent';
}

/** An episode that each of 1,000 writers has tagged and criticised, every other one of them knowing of those before. */
function foldCases(): Case[] {
  const [tags, critiques] = [new Tags(), new Critiques()];
  let said = 0;
  const tag = () => {
    const {at, id, by, write} = telling(said);
    const words = {add: [`tag-${said % TAGS}`], remove: [`tag-${(said + 1) % TAGS}`]};
    tags.apply({id, episode: 'e', by, at, clock: write.clock, kind: 'tag', ...words}, write.position);
    said += 1;
    return tags;
  };
  const criticise = () => {
    const {at, id: tie, write} = telling(said);
    critiques.put({at, tie, text: 'too slow', ...write});
    said += 1;
    return critiques.others;
  };
  for (let n = 0; n < WRITERS; n += 1) tag();
  for (let n = 0; n < WRITERS; n += 1) criticise();
  const few = (names: readonly string[]) => names.length > 0 && names.length <= TAGS;
  return [
    {what: 'one more change of tags of an episode that 1,000 writers have tagged', run: tag, expect: Boolean},
    {what: 'which of its tags stand', run: () => tags.values(), expect: few},
    {what: 'one more critique of it, and which stand beside the last', run: criticise, expect: Array.isArray},
  ];
}

/** The n-th change of all: by one of the writers, who has seen the log up to it, or not for a while. */
function telling(n: number) {
  const behind = n % 2 === 0 ? 1 : 20;
  const at = formatStamp({ms: 1e12 + n, counter: 0, node: 'n'});
  const write = written(n % WRITERS, n + 2, Math.max(1, n + 2 - behind), 1 + Math.floor(n / WRITERS));
  return {at, id: `change-${n}`, by: writer(n % WRITERS), write};
}

function written(n: number, position: number, base = 0, counter = 1): PlacedWrite & {readonly clock: WrittenClock} {
  return {clock: ['tenant', writer(n), counter, base], position};
}

/** What the clock of a write takes, as against a count for each of the writers it may have seen. */
function sizeRow(): BenchRow {
  const cache = openCache({tenantId: 'tenant'});
  cache.follow('0199a1b2-c3d4-7e5f-8a9b-0123456789ab');
  cache.startAfter(100_000);
  const bytes = JSON.stringify(cache.clock()).length;
  cache.close();
  const whole = JSON.stringify(plainClock(1)).length;
  return {
    what: 'size of the clock of a write that has seen 1,000 writers, as JSON',
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
