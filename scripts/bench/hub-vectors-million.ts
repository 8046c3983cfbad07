import {fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {openIndex} from '../../src/hub/recall/open-index.ts';
import {type Bench, type BenchRow, median} from './table.ts';
import {clustered, DIMENSIONS, ExactNearest, sentences, toUnit, type VectorSource} from './vector-corpora.ts';

const CORPORA: Record<string, (size: number) => VectorSource> = {clustered, sentences};
const MILLION = 1_000_000;
const SMALL = 5000;
/** Each is compared with every vector by exact search, too. */
const QUERIES = 30;
const K = 10;
const LEAST_RECALL = 0.97;
const MOST_MS = 40;
const LEAST_PER_S = 5000;
const MOST_BYTES = 1024;

/**
 * The ten nearest of a million, in a process of its own for each corpus. No vector is kept beside the index, so that what the process has
 * grown by is what the index takes, keys included. Exact search is done while the vectors go by.
 */
export const hubVectorsMillionBench: Bench = {
  name: 'hub-vectors-million',
  title: 'Vector recall of a million',
  isLong: true,
  run: async (size = 'full') => {
    const rows: BenchRow[] = [];
    for (const name of Object.keys(CORPORA))
      rows.push(...rowsOf(await measuredApart(name, size === 'full' ? MILLION : SMALL)));
    return rows;
  },
};

interface Figures {
  readonly name: string;
  readonly size: number;
  readonly searchMs: readonly number[];
  /** Of exact search in JavaScript: each vector of the corpus with one query. */
  readonly exactMs: number;
  readonly recall: number;
  readonly insertsPerS: number;
  readonly grownBytes: number;
}

async function measuredApart(name: string, size: number): Promise<Figures> {
  const child = fork(fileURLToPath(import.meta.url), ['measure', name, String(size)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--import', 'tsx', '--expose-gc'],
  });
  const ended = once(child, 'exit');
  const told = once(child, 'message');
  await Promise.race([told, ended]);
  if (child.exitCode !== null) throw new Error(`measuring ${name} ended with ${child.exitCode}`);
  // What the child sends.
  const [figures] = (await told) as [Figures];
  await ended;
  return figures;
}

function rowsOf({name, size, searchMs, exactMs, recall, insertsPerS, grownBytes}: Figures): readonly BenchRow[] {
  const before = `${name}, ${size.toLocaleString('en')}: `;
  const [p50, worst] = [median(searchMs), Math.max(...searchMs)];
  const bytes = grownBytes / size;
  return [
    {
      what: `${before}search, p50`,
      ours: `${p50.toFixed(1)} ms (worst of ${searchMs.length} ${worst.toFixed(1)})`,
      anchor: `exact in JavaScript ${exactMs.toFixed(0)} ms`,
      ratio: (p50 / exactMs).toFixed(3),
      target: `≤ ${MOST_MS} ms`,
      met: p50 <= MOST_MS,
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
      ours: `${Math.round(insertsPerS).toLocaleString('en')}/s`,
      anchor: '–',
      ratio: '–',
      target: `≥ ${LEAST_PER_S.toLocaleString('en')}/s`,
      met: insertsPerS >= LEAST_PER_S,
    },
    {
      what: `${before}memory the process has grown by, per vector`,
      ours: `${bytes.toFixed(0)} B`,
      anchor: `float32 ${DIMENSIONS * 4} B`,
      ratio: (bytes / (DIMENSIONS * 4)).toFixed(2),
      target: `≤ ${MOST_BYTES.toLocaleString('en')} B`,
      met: bytes <= MOST_BYTES,
    },
  ];
}

function measured(source: VectorSource, size: number): Figures {
  const queries = Array.from({length: QUERIES}, () => source.next());
  const exact = queries.map(query => new ExactNearest(query, K));
  const index = openIndex({id: 'bench', dimensions: DIMENSIONS});
  // What was used to make vectors is in memory before and after.
  source.next();
  const before = residentBytes();
  let [insertMs, exactMs] = [0, 0];
  for (let key = 0; key < size; key += 1) {
    const vector = source.next();
    const startedMs = performance.now();
    index.add(key, vector);
    const insertedMs = performance.now();
    const unit = toUnit(vector);
    const readyMs = performance.now();
    for (const each of exact) each.offer(key, unit, 0);
    insertMs += insertedMs - startedMs;
    exactMs += performance.now() - readyMs;
  }
  const grownBytes = residentBytes() - before;
  for (const query of queries) index.search(query, K);
  const searchMs: number[] = [];
  let found = 0;
  for (const [place, query] of queries.entries()) {
    const startedMs = performance.now();
    const hits = index.search(query, K);
    searchMs.push(performance.now() - startedMs);
    const right = exact[place]?.keys ?? new Set();
    found += hits.filter(({key}) => right.has(key)).length;
  }
  return {
    name: source.name,
    size,
    searchMs,
    exactMs: exactMs / QUERIES,
    recall: found / (K * QUERIES),
    insertsPerS: (1000 * size) / insertMs,
    grownBytes,
  };
}

/** After a collection. */
function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , order, name = '', size = ''] = process.argv;
  const open = CORPORA[name];
  if (order === 'measure' && open)
    process.send?.(measured(open(Number(size)), Number(size)), () => process.disconnect());
  else console.table(await hubVectorsMillionBench.run(order === 'small' ? 'small' : 'full'));
}
