import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import * as sqliteVec from 'sqlite-vec';
import {type Random, seededRandom} from '../../src/base/random.ts';
import {hashedVector} from '../../src/hub/recall/hashed-embedder.ts';
import {openIndex} from '../../src/hub/recall/open-index.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DIMENSIONS = 512;
const QUERIES = 100;
/** Of exact search in JavaScript and of sqlite-vec, which take long. */
const FEW_QUERIES = 20;
const K = 10;
const SIZES = [1000, 10_000, 100_000];
const LARGE = 1_000_000;
/** Milliseconds per search, and of the ten nearest how many. */
const TARGETS = new Map([
  [1000, {ms: 0.2, recall: 0.99}],
  [10_000, {ms: 0.6, recall: 0.99}],
  [100_000, {ms: 4, recall: 0.99}],
  [LARGE, {ms: 40, recall: 0.97}],
]);

/**
 * The ten nearest of many vectors of 512 dimensions, beside comparing them all in JavaScript and sqlite-vec: a clustered
 * corpus, and the sentences of the manuals that lie here, embedded by hashed n-grams. A million with `GODEL_BENCH_LARGE=1`
 * (it holds 2.6 GB).
 */
export const hubVectorsBench: Bench = {
  name: 'hub-vectors',
  title: 'Vector recall',
  run: () => {
    const sizes = process.env.GODEL_BENCH_LARGE === '1' ? [...SIZES, LARGE] : SIZES;
    const rows = sizes.flatMap(size => measure(clustered(size)));
    return Promise.resolve([...rows, ...SIZES.flatMap(size => measure(sentences(size)))]);
  },
};

interface Corpus {
  readonly name: string;
  readonly size: number;
  readonly vectors: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
}

function measure({name, size, vectors, queries}: Corpus): readonly BenchRow[] {
  const index = openIndex({id: 'bench', dimensions: DIMENSIONS});
  const insertMs = timed(() => vectors.forEach((vector, key) => index.add(key, vector)));
  for (const query of queries) index.search(query, K);
  const [oursMs, exactMs]: [number[], number[]] = [[], []];
  let found = 0;
  const flat = flattened(vectors);
  for (const [place, query] of queries.entries()) {
    let ours: readonly {key: number}[] = [];
    oursMs.push(timed(() => (ours = index.search(query, K))));
    if (place >= FEW_QUERIES && size >= LARGE) continue;
    let exact = new Set<number>();
    exactMs.push(timed(() => (exact = exactNearest(flat, query))));
    found += ours.filter(({key}) => exact.has(key)).length;
  }
  const recall = found / (K * exactMs.length);
  const target = TARGETS.get(size);
  const vecMs = size >= LARGE ? null : sqliteVecMs(vectors, queries.slice(0, FEW_QUERIES));
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
      anchor: `exact in JavaScript ${exact.toFixed(2)} ms${vecMs === null ? '' : `, sqlite-vec ${vecMs.toFixed(2)} ms`}`,
      ratio: `${(ours / exact).toFixed(3)}${vecMs === null ? '' : `, ${(ours / vecMs).toFixed(3)}`}`,
      target: target ? `≤ ${target.ms} ms` : '',
      met: target ? ours <= target.ms : null,
    },
    {
      what: `${before}recall@10`,
      ours: recall.toFixed(4),
      anchor: 'exact 1',
      ratio: recall.toFixed(4),
      target: target ? `≥ ${target.recall}` : '',
      met: target ? recall >= target.recall : null,
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

/** Every inner product, in four sums that need not wait for one another. */
function exactNearest(flat: Float32Array, query: Float32Array): Set<number> {
  const unit = toUnit(query);
  const best: {key: number; similarity: number}[] = [];
  for (let key = 0, at = 0; at < flat.length; key += 1, at += DIMENSIONS) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let index = 0; index < DIMENSIONS; index += 4) {
      a += (flat[at + index] ?? 0) * (unit[index] ?? 0);
      b += (flat[at + index + 1] ?? 0) * (unit[index + 1] ?? 0);
      c += (flat[at + index + 2] ?? 0) * (unit[index + 2] ?? 0);
      d += (flat[at + index + 3] ?? 0) * (unit[index + 3] ?? 0);
    }
    const similarity = a + b + c + d;
    if (best.length === K && similarity <= (best[K - 1]?.similarity ?? 0)) continue;
    best.push({key, similarity});
    best.sort((x, y) => y.similarity - x.similarity);
    best.length = Math.min(best.length, K);
  }
  return new Set(best.map(({key}) => key));
}

function flattened(vectors: readonly Float32Array[]): Float32Array {
  const flat = new Float32Array(vectors.length * DIMENSIONS);
  for (const [key, vector] of vectors.entries()) flat.set(toUnit(vector), key * DIMENSIONS);
  return flat;
}

function toUnit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map(value => value / length);
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

/** A centre for each hundred vectors, which lie around it with a cosine of about 0.8. */
function clustered(size: number): Corpus {
  const random = seededRandom(size);
  const draw = () => Float32Array.from({length: DIMENSIONS}, () => normal(random));
  const centres = Array.from({length: size / 100}, draw);
  const near = () => {
    const centre = centres[Math.floor(random() * centres.length)] ?? draw();
    return centre.map(value => value + 0.5 * normal(random));
  };
  const vectors = Array.from({length: size}, near);
  return {name: 'clustered', size, vectors, queries: Array.from({length: QUERIES}, near)};
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Sentences of the manuals of godel and of the packages it uses; where there are too few, pairs of them. */
function sentences(size: number): Corpus {
  const known = new Set<string>();
  for (const folder of ['docs', 'node_modules']) {
    for (const file of readdirSync(join(ROOT, folder), {recursive: true, encoding: 'utf8'}).sort()) {
      if (file.endsWith('.md'))
        sentencesOf(readFileSync(join(ROOT, folder, file), 'utf8')).forEach(each => known.add(each));
    }
  }
  const random = seededRandom(size);
  const all = [...known];
  const pick = () => all[Math.floor(random() * all.length)] ?? '';
  const mixed = all.map(each => ({each, order: random()})).sort((a, b) => a.order - b.order);
  const texts = mixed.map(({each}) => each);
  while (texts.length < size + QUERIES) texts.push(`${pick()} ${pick()}`);
  const vectors = texts.slice(0, size + QUERIES).map(hashedVector);
  return {name: 'sentences', size, vectors: vectors.slice(QUERIES), queries: vectors.slice(0, QUERIES)};
}

function sentencesOf(text: string): readonly string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map(part => part.trim())
    .filter(part => part.length >= 25 && part.length < 400 && /[a-z]{3} [a-z]{2}/i.test(part));
}
