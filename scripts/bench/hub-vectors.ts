import Database from 'better-sqlite3';
import * as sqliteVec from 'sqlite-vec';
import {openIndex} from '../../src/hub/recall/open-index.ts';
import {type Bench, type BenchRow, median} from './table.ts';
import {clustered, DIMENSIONS, ExactNearest, sentences, toUnit, type VectorSource} from './vector-corpora.ts';

const QUERIES = 100;
/** Of sqlite-vec, which takes long. */
const FEW_QUERIES = 20;
const K = 10;
/** Milliseconds per search, of so many vectors. */
const TARGET_MS = new Map([
  [1000, 0.2],
  [10_000, 0.6],
  [100_000, 4],
]);
const LEAST_RECALL = 0.99;

/**
 * The ten nearest of many vectors of 512 dimensions, beside comparing them all in JavaScript and sqlite-vec: a clustered
 * corpus, and the sentences of the manuals that lie here, embedded by hashed n-grams. `hub-vectors-million` does it for a million.
 */
export const hubVectorsBench: Bench = {
  name: 'hub-vectors',
  title: 'Vector recall',
  run: (size = 'full') => {
    const sizes = size === 'full' ? [...TARGET_MS.keys()] : [1000];
    const rows = sizes.flatMap(count => measure(corpus(clustered(count), count)));
    return Promise.resolve([...rows, ...sizes.flatMap(count => measure(corpus(sentences(count), count)))]);
  },
};

interface Corpus {
  readonly name: string;
  readonly size: number;
  readonly vectors: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
}

function corpus(source: VectorSource, size: number): Corpus {
  const queries = Array.from({length: QUERIES}, () => source.next());
  const vectors = Array.from({length: size}, () => source.next());
  return {name: source.name, size, vectors, queries};
}

function measure({name, size, vectors, queries}: Corpus): readonly BenchRow[] {
  const index = openIndex({id: 'bench', dimensions: DIMENSIONS});
  const insertMs = timed(() => vectors.forEach((vector, key) => index.add(key, vector)));
  for (const query of queries) index.search(query, K);
  const [oursMs, exactMs]: [number[], number[]] = [[], []];
  let found = 0;
  const flat = flattened(vectors);
  for (const query of queries) {
    let ours: readonly {key: number}[] = [];
    oursMs.push(timed(() => (ours = index.search(query, K))));
    let exact: ReadonlySet<number> = new Set();
    exactMs.push(timed(() => (exact = exactNearest(flat, query))));
    found += ours.filter(({key}) => exact.has(key)).length;
  }
  const recall = found / (K * exactMs.length);
  const target = TARGET_MS.get(size) ?? Number.NaN;
  const vecMs = sqliteVecMs(vectors, queries.slice(0, FEW_QUERIES));
  const ours = median(oursMs);
  const exact = median(exactMs);
  const sorted = oursMs.toSorted((a, b) => a - b);
  const perSecond = (1000 * vectors.length) / insertMs;
  const bytes = index.memoryBytes / index.size;
  const before = `${name}, ${size.toLocaleString('en')}: `;
  return [
    {
      what: `${before}search, p50`,
      ours: `${ours.toFixed(3)} ms (p99 ${(sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(2)})`,
      anchor: `exact in JavaScript ${exact.toFixed(2)} ms, sqlite-vec ${vecMs.toFixed(2)} ms`,
      ratio: `${(ours / exact).toFixed(3)}, ${(ours / vecMs).toFixed(3)}`,
      target: `≤ ${target} ms`,
      met: ours <= target,
    },
    {
      what: `${before}recall@10`,
      ours: recall.toFixed(4),
      anchor: 'exact 1',
      ratio: recall.toFixed(4),
      target: `≥ ${LEAST_RECALL}`,
      met: recall >= LEAST_RECALL,
    },
    {
      what: `${before}inserts`,
      ours: `${Math.round(perSecond).toLocaleString('en')}/s`,
      anchor: '–',
      ratio: '–',
      target: '≥ 5,000/s',
      met: perSecond >= 5000,
    },
    {
      what: `${before}memory per vector`,
      ours: `${bytes.toFixed(0)} B`,
      anchor: `float32 ${DIMENSIONS * 4} B`,
      ratio: (bytes / (DIMENSIONS * 4)).toFixed(2),
      target: '≤ 1,024 B, keys included',
      met: bytes + 60 <= 1024,
    },
  ];
}

function timed(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function exactNearest(flat: Float32Array, query: Float32Array): ReadonlySet<number> {
  const nearest = new ExactNearest(query, K);
  for (let key = 0, at = 0; at < flat.length; key += 1, at += DIMENSIONS) nearest.offer(key, flat, at);
  return nearest.keys;
}

function flattened(vectors: readonly Float32Array[]): Float32Array {
  const flat = new Float32Array(vectors.length * DIMENSIONS);
  for (const [key, vector] of vectors.entries()) flat.set(toUnit(vector), key * DIMENSIONS);
  return flat;
}

function sqliteVecMs(vectors: readonly Float32Array[], queries: readonly Float32Array[]): number {
  const database = new Database(':memory:');
  try {
    sqliteVec.load(database);
    database.exec(`CREATE VIRTUAL TABLE v USING vec0(embedding float[${DIMENSIONS}] distance_metric=cosine)`);
    const insert = database.prepare('INSERT INTO v(rowid, embedding) VALUES (?, ?)');
    database.transaction(() => vectors.forEach((vector, key) => insert.run(BigInt(key + 1), bytesOf(vector))))();
    const find = database.prepare('SELECT rowid FROM v WHERE embedding MATCH ? AND k = ? ORDER BY distance');
    return median(queries.map(query => timed(() => find.all(bytesOf(query), K))));
  } finally {
    database.close();
  }
}

function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}
