import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import Database from 'better-sqlite3';
import {openHubStore} from '../../src/hub/server/store/open-hub-store.ts';
import type {SqliteHubStore} from '../../src/hub/server/store/sqlite-hub-store.ts';
import type {LogItem} from '../../src/model/episode.ts';
import {COMMON, Corpus} from './hub-corpus.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const EPISODES = 20_000;
const RUNS = 5;
const SEARCHES = 400;
const TENANT = 'bench';
const corpus = new Corpus(1);

/** Appending durably, pulling and searching, the first beside a bare table of SQLite with the same flushes. */
export const hubStoreBench: Bench = {
  name: 'hub-store',
  title: "The hub's database",
  run: () => Promise.resolve([...appending(), ...[10_000, 100_000].flatMap(searching)]),
};

interface Rates {
  readonly bare: number[];
  readonly store: number[];
  readonly searchable: number[];
}

function appending(): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  const pulls: number[] = [];
  for (const {batch, target} of [
    {batch: 100, target: 50_000},
    {batch: 50, target: 12_000},
  ]) {
    const rates: Rates = {bare: [], store: [], searchable: []};
    for (let run = 0; run < RUNS; run += 1) {
      const items = Array.from({length: EPISODES}, () => corpus.episode());
      inFolder(folder => rates.bare.push(bareRate(join(folder, 'bare.db'), items, batch)));
      inFolder(folder => {
        const {store, rate} = storeRate(join(folder, 'hub.db'), items, batch);
        rates.store.push(rate);
        pulls.push(pullRate(store));
        store.close();
      });
      inFolder(folder => {
        const {store, rate} = storeRate(join(folder, 'hub.db'), items, batch, 'searchable');
        rates.searchable.push(rate);
        store.close();
      });
    }
    const what = batch === 100 ? 'durable episodes in batches of 100' : `durable single episodes, ${batch} in a group`;
    rows.push(
      rateRow(what, rates.store, rates.bare, target),
      rateRow(`${what}, searchable`, rates.searchable, rates.bare),
    );
  }
  return [...rows, figure('episodes pulled, 1000 at a time', perSecond(median(pulls)))];
}

function bareRate(file: string, items: readonly LogItem[], batch: number): number {
  const db = new Database(file);
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE episodes (position INTEGER PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL)');
  const insert = db.prepare('INSERT INTO episodes (id, body) VALUES (?, ?)');
  const [begin, commit] = [db.prepare('BEGIN'), db.prepare('COMMIT')];
  const rate = rateOf(items, batch, some => {
    begin.run();
    for (const item of some) insert.run(idOf(item), JSON.stringify(item));
    commit.run();
  });
  db.close();
  return rate;
}

function storeRate(
  file: string,
  items: readonly LogItem[],
  batch: number,
  how: 'appended' | 'searchable' = 'appended',
): {store: SqliteHubStore; rate: number} {
  const store = open(file);
  const rate = rateOf(items, batch, (some, index) => {
    if (batch === 100) store.append(TENANT, some);
    else for (const item of some) store.append(TENANT, [item]);
    // As the hub does it: what has come in is made searchable now and then, in the same transaction.
    if (how === 'searchable' && index % 2000 === 0) store.followText(Number.POSITIVE_INFINITY);
    const flushed = store.flush();
    if (!flushed.ok) throw new Error(flushed.failure.detail);
  });
  return {store, rate};
}

function rateOf(
  items: readonly LogItem[],
  batch: number,
  append: (some: readonly LogItem[], index: number) => void,
): number {
  const batches = Array.from({length: items.length / batch}, (_, index) =>
    items.slice(index * batch, (index + 1) * batch),
  );
  const started = performance.now();
  for (const [index, some] of batches.entries()) append(some, (index + 1) * batch);
  return (items.length / (performance.now() - started)) * 1000;
}

function pullRate(store: SqliteHubStore): number {
  const started = performance.now();
  let position = 0;
  for (let more = true; more; ) {
    const page = store.pullTexts(TENANT, position, 1000, 4 * 2 ** 20);
    position += page.texts.length;
    more = page.more;
  }
  if (position !== store.head(TENANT)) throw new Error(`pulled ${position} of ${store.head(TENANT)}`);
  return (position / (performance.now() - started)) * 1000;
}

function searching(episodes: number): readonly BenchRow[] {
  return inFolder(folder => {
    const store = open(join(folder, 'hub.db'));
    for (let made = 0; made < episodes; made += 1000) {
      store.append(
        TENANT,
        Array.from({length: 1000}, () => corpus.episode()),
      );
      store.followText(Number.POSITIVE_INFINITY);
      store.flush();
    }
    const kinds: readonly [string, (index: number) => string][] = [
      ['a rare word', index => `rare${index}`],
      ['tasks of ten words', () => corpus.text(10)],
      ['texts of 16 KB', () => corpus.text(2500)],
      ['only common words', () => COMMON.slice(0, 12).join(' ')],
    ];
    const rows = kinds.map(([what, query]) => {
      const times: number[] = [];
      for (let index = 0; index < SEARCHES; index += 1) {
        const asked = query(index);
        const started = performance.now();
        store.searchText(TENANT, asked, 20);
        times.push(performance.now() - started);
      }
      const sorted = times.toSorted((a, b) => a - b);
      const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
      const ours = `p50 ${median(times).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, worst ${(sorted.at(-1) ?? 0).toFixed(1)} ms`;
      const row = figure(`full text, ${episodes.toLocaleString('en')} episodes, ${what}`, ours);
      return {...row, target: 'p99 ≤ 25 ms', met: p99 <= 25};
    });
    store.close();
    return rows;
  });
}

function open(file: string): SqliteHubStore {
  const opened = openHubStore({file});
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  return opened.value;
}

function rateRow(what: string, ours: readonly number[], bare: readonly number[], target?: number): BenchRow {
  const ratio = median(ours.map((rate, run) => rate / (bare[run] ?? Number.NaN)));
  return {
    what,
    ours: perSecond(median(ours)),
    anchor: `bare table ${perSecond(median(bare))}`,
    ratio: `${ratio.toFixed(2)}×`,
    target: target === undefined ? '–' : `≥ ${perSecond(target)}`,
    met: target === undefined ? null : median(ours) >= target,
  };
}

function figure(what: string, ours: string): BenchRow {
  return {what, ours, anchor: '–', ratio: '–', target: '–', met: null};
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

function idOf(item: LogItem): string {
  return item.kind === 'episode' ? item.episode.id : item.change.id;
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'godel-hub-store-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await hubStoreBench.run());
