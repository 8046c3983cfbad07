import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import Database from 'better-sqlite3';
import type {LogItem} from '../../src/model/episode.ts';
import {hashedEmbedder, hashedVector} from '../../src/hub/recall/hashed-embedder.ts';
import type {Embedder} from '../../src/hub/recall/vector-index.ts';
import type {RecallQuery} from '../../src/hub/server/hub-parts.ts';
import {HybridRecall} from '../../src/hub/server/parts/hybrid-recall.ts';
import {TenantIndexes} from '../../src/hub/server/parts/tenant-indexes.ts';
import {VectorFollower} from '../../src/hub/server/parts/vector-follower.ts';
import {openHubStore} from '../../src/hub/server/store/open-hub-store.ts';
import type {SqliteHubStore} from '../../src/hub/server/store/sqlite-hub-store.ts';
import {COMMON, Corpus, stampNow} from './hub-corpus.ts';
import {type Bench, type BenchRow, median} from './table.ts';

/**
 * What the hub does when a client recalls: full text and vectors, as one list with recency, reward, success, opinion and trust, over a
 * database on the disk. Vectors of queries are made beforehand, and what that takes is a row of its own. Beside each kind of query
 * stands a bare FTS5 query of the same words.
 */
export const hubRecallBench: Bench = {
  name: 'hub-recall',
  title: 'Hybrid recall as a whole',
  run: async (size = 'full') => {
    const folder = mkdtempSync(join(tmpdir(), 'godel-hub-recall-'));
    try {
      return await measure(folder, size === 'full' ? FULL : SMALL);
    } finally {
      rmSync(folder, {recursive: true});
    }
  },
};

interface Scale {
  readonly episodes: number;
  readonly calls: number;
  /** Of the bare queries, which can take long. */
  readonly bareCalls: number;
}

const FULL: Scale = {episodes: 100_000, calls: 200, bareCalls: 20};
const SMALL: Scale = {episodes: 3000, calls: 10, bareCalls: 2};

const TENANT = 'bench';
const SMALLER = 'smaller';
const MOST = {p50: 8, p99: 25};
const K = 5;
const PAGE = 1000;
/** Shares of the episodes that have a tag, and of those that others have spoken of. */
const TAGS = {often: 1 / 3, seldom: 1 / 1000};
const SPOKEN_OF = 0.05;
const LOOK_MS = 20;
/** The bare queries of a kind are given up after this, once there are some. */
const BARE_MS = 3000;

interface Kind {
  readonly what: string;
  readonly tenant?: string;
  readonly query: () => string;
  readonly filter?: Partial<RecallQuery>;
}

async function measure(folder: string, {episodes, calls, bareCalls}: Scale): Promise<readonly BenchRow[]> {
  const corpus = new Corpus(5);
  const embedder = new ForeseeingEmbedder();
  using hub = new RecallingHub(join(folder, 'hub.db'), embedder);
  using bare = new BareText(join(folder, 'bare.db'));
  for (const [tenant, count] of [
    [TENANT, episodes],
    [SMALLER, episodes / 100],
  ] as const) {
    for (let made = 0; made < count; made += PAGE) {
      const items = itemsOf(corpus, Math.min(PAGE, count - made));
      hub.append(tenant, items);
      if (tenant === TENANT) bare.put(items);
    }
  }
  await hub.ready();
  const kinds = kindsOf(corpus);
  for (const kind of kinds) await recallMs(hub, embedder, kind);
  const embedMs: number[] = [];
  const times = kinds.map((): number[] => []);
  const bareTimes = kinds.map((): number[] => []);
  for (let call = 0; call < calls; call += 1) {
    for (const [index, kind] of kinds.entries()) {
      const {query, ms, madeMs} = await recallMs(hub, embedder, kind);
      times[index]?.push(ms);
      embedMs.push(madeMs);
      const bareOnes = bareTimes[index] ?? [];
      const isBareToo = kind.tenant === undefined && call < bareCalls && sum(bareOnes) < BARE_MS;
      if (isBareToo) bareOnes.push(timed(() => bare.search(query)));
    }
  }
  const before = `${episodes.toLocaleString('en')} episodes: `;
  return [
    row(`${before}all of the kinds below in turn`, times.flat(), bareTimes.flat()),
    ...kinds.map(({what, tenant}, index) =>
      row(`${tenant === undefined ? before : ''}${what}`, times[index] ?? [], bareTimes[index] ?? []),
    ),
    {
      what: 'embedding the query, which is in none of the above',
      ours: spread(embedMs),
      anchor: '–',
      ratio: '–',
      target: '–',
      met: null,
    },
  ];
}

function kindsOf(corpus: Corpus): readonly Kind[] {
  const task = () => corpus.text(10);
  return [
    {what: 'a rare word', query: () => corpus.rareWord()},
    {what: 'tasks of ten words', query: task},
    {what: 'only common words', query: () => COMMON.slice(0, 12).join(' ')},
    {what: 'texts of 16 KB', query: () => corpus.text(2500)},
    {what: 'tasks of ten words, only successes', query: task, filter: {onlySuccess: true}},
    {what: 'tasks of ten words, with a tag of one in three', query: task, filter: {tags: ['often']}},
    {what: 'tasks of ten words, with a tag of one in 1,000', query: task, filter: {tags: ['seldom']}},
    {what: 'tasks of ten words, with a tag that none has', query: task, filter: {tags: ['never']}},
    {what: 'tasks of ten words, why they were found', query: task, filter: {explain: true}},
    {what: 'another tenant with a hundredth of them: tasks of ten words', tenant: SMALLER, query: task},
  ];
}

async function recallMs(
  hub: RecallingHub,
  embedder: ForeseeingEmbedder,
  {tenant = TENANT, query: make, filter = {}}: Kind,
): Promise<{query: string; ms: number; madeMs: number}> {
  const query = make();
  const madeMs = timed(() => embedder.foresee(query));
  const startedMs = performance.now();
  await hub.recall.recall(tenant, {query, k: K, by: null, ...filter});
  return {query, ms: performance.now() - startedMs, madeMs};
}

function itemsOf(corpus: Corpus, count: number): readonly LogItem[] {
  const items: LogItem[] = [];
  for (let made = 0; made < count; made += 1) {
    const tags = ['build'];
    if (corpus.chance(TAGS.often)) tags.push('often');
    if (corpus.chance(TAGS.seldom)) tags.push('seldom');
    const item = corpus.episode(tags);
    items.push(item);
    if (!corpus.chance(SPOKEN_OF)) continue;
    const {id: episode} = item.episode;
    const said = {episode, by: `critic-${made % 10}`, at: stampNow()};
    items.push({kind: 'change', change: {...said, id: corpus.id(), kind: 'confirm', success: corpus.chance(0.8)}});
    items.push({kind: 'change', change: {...said, id: corpus.id(), kind: 'vote', value: 1}});
  }
  return items;
}

/** Gives vectors that were made before they are asked for. */
class ForeseeingEmbedder implements Embedder {
  readonly #hashed = hashedEmbedder();
  readonly id = this.#hashed.id;
  readonly dimensions = this.#hashed.dimensions;
  #foreseen: {readonly text: string; readonly vector: Float32Array} | null = null;

  foresee(text: string): void {
    this.#foreseen = {text, vector: hashedVector(text)};
  }

  embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const foreseen = this.#foreseen;
    return foreseen !== null && texts.length === 1 && texts[0] === foreseen.text
      ? Promise.resolve([foreseen.vector])
      : this.#hashed.embed(texts);
  }

  close(): Promise<void> {
    return this.#hashed.close();
  }
}

/** The parts of a hub that recall, put together as the hub does it. */
class RecallingHub {
  readonly recall: HybridRecall;
  readonly #store: SqliteHubStore;
  readonly #follower: VectorFollower;

  constructor(file: string, embedder: Embedder) {
    const opened = openHubStore({file});
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    const store = opened.value;
    const onEvent = (event: unknown) => {
      throw new Error(JSON.stringify(event));
    };
    const {vectors} = store;
    const indexes = new TenantIndexes({vectors, embedder, maxBytes: 2 ** 30});
    this.#store = store;
    this.#follower = new VectorFollower({vectors, embedder, indexes, settle: () => undefined, onEvent});
    const parts = {store, embedder, indexes, follower: this.#follower, onEvent};
    this.recall = new HybridRecall({...parts, onAdded: () => undefined, quorum: 0, wallMs: Date.now});
  }

  append(tenant: string, items: readonly LogItem[]): void {
    this.#store.append(tenant, items);
    this.#store.followText(Number.POSITIVE_INFINITY);
    const flushed = this.#store.flush();
    if (!flushed.ok) throw new Error(flushed.failure.detail);
  }

  /** Resolves when the vectors of all episodes have been made. */
  async ready(): Promise<void> {
    this.#follower.wake();
    while (this.recall.unembedded(null) > 0) await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    await this.#follower.close();
    this.#store.flush();
  }

  [Symbol.dispose](): void {
    this.#store.close();
  }
}

/** The same texts in a table of FTS5, and nothing else. */
class BareText {
  readonly #db: Database.Database;
  readonly #put;
  readonly #search;
  #rows = 0;

  constructor(file: string) {
    this.#db = new Database(file);
    this.#db.pragma('journal_mode = WAL');
    this.#db.exec(`CREATE VIRTUAL TABLE t
      USING fts5(task, input, output, critique, tags, content = '', tokenize = 'porter unicode61')`);
    this.#put = this.#db.prepare<[number, string, string, string, string, string]>(
      'INSERT INTO t (rowid, task, input, output, critique, tags) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#search = this.#db.prepare<[string, number], number>(
      'SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?',
    );
  }

  put(items: readonly LogItem[]): void {
    this.#db.transaction(() => {
      for (const item of items) {
        if (item.kind !== 'episode') continue;
        const {task, input, output, critique, tags} = item.episode;
        this.#put.run((this.#rows += 1), task, input, output, critique ?? '', tags.join(' '));
      }
    })();
  }

  search(query: string): void {
    const words = new Set(query.split(' '));
    this.#search.all([...words].map(word => `"${word}"`).join(' OR '), K);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

function timed(run: () => unknown): number {
  const startedMs = performance.now();
  run();
  return performance.now() - startedMs;
}

function row(what: string, ours: readonly number[], bare: readonly number[]): BenchRow {
  const [p50, p99] = [median(ours), quantile(ours, 0.99)];
  return {
    what,
    ours: spread(ours),
    anchor: bare.length === 0 ? '–' : `bare FTS5, the same words: p50 ${median(bare).toFixed(2)} ms`,
    ratio: bare.length === 0 ? '–' : `${(p50 / median(bare)).toFixed(2)}×`,
    target: `p50 ≤ ${MOST.p50} ms, p99 ≤ ${MOST.p99} ms`,
    met: p50 <= MOST.p50 && p99 <= MOST.p99,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function spread(times: readonly number[]): string {
  const [p50, p99, worst] = [0.5, 0.99, 1].map(part => quantile(times, part).toFixed(2));
  return `p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`;
}

/** NaN when there are none. */
function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.table(await hubRecallBench.run(process.argv[2] === 'small' ? 'small' : 'full'));
}
