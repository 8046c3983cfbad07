import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {seededRandom} from '../../src/base/random.ts';
import {EphemeralAgent} from '../../src/hub/client/ephemeral-agent.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const EPISODES = 1000;
const CALLS = 2000;
const ROUNDS = 5;
const MOST_STORE_MS = 0.1;
const MOST_QUERY_MS = 0.3;

/**
 * What an agent waits for when it stores and recalls, with 1,000 episodes, in a file: beside bare better-sqlite3 that inserts the same
 * JSON (`synchronous = NORMAL`), and a bare FTS5 query for the same words.
 */
export const hubClientBench: Bench = {
  name: 'hub-client',
  title: "An agent's own memory: storing and recalling with 1,000 episodes",
  run: async () => {
    const rounds: Figures[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(round));
    const of = (pick: (figures: Figures) => number) => median(rounds.map(pick));
    const rows: BenchRow[] = [
      row('store an episode, p50', {
        ours: of(({store}) => store),
        anchor: of(({insert}) => insert),
        beside: 'bare insert',
        mostMs: MOST_STORE_MS,
      }),
      row('store an episode in a sealed file, p50', {
        ours: of(({sealed}) => sealed),
        anchor: of(({insert}) => insert),
        beside: 'bare insert',
        mostMs: MOST_STORE_MS,
      }),
      row('recall the best 5 of 1,000, p50', {
        ours: of(({query}) => query),
        anchor: of(({match}) => match),
        beside: 'bare FTS5 query of the same words',
        mostMs: MOST_QUERY_MS,
      }),
    ];
    return rows;
  },
};

interface Figures {
  readonly store: number;
  readonly sealed: number;
  readonly query: number;
  readonly insert: number;
  readonly match: number;
}

const VOCABULARY = 5000;

/** Words as in a text of people: the n-th most common one is there about 1/n as often (Zipf), so that the first are nearly everywhere. */
function textOf(random: () => number, words: number): string {
  return Array.from({length: words}, () => `word${Math.floor(VOCABULARY ** random())}`).join(' ');
}

async function measure(seed: number): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'godel-bench-hub-client-'));
  const random = seededRandom(seed + 1);
  const next = () => ({
    task: textOf(random, 12),
    input: textOf(random, 30),
    output: textOf(random, 30),
    reward: random(),
  });
  const agent = await EphemeralAgent.spawn({tenantId: 'bench', memoryPath: join(folder, 'plain.db')});
  const sealed = await EphemeralAgent.spawn({
    tenantId: 'bench',
    memoryPath: join(folder, 'sealed.db'),
    enableEncryption: true,
  });
  const bare = new Database(join(folder, 'bare.db'));
  bare.pragma('journal_mode = WAL');
  bare.pragma('synchronous = NORMAL');
  bare.exec(`CREATE TABLE e (id INTEGER PRIMARY KEY, body TEXT);
    CREATE VIRTUAL TABLE t USING fts5(task, input, output, content = '', tokenize = 'porter unicode61')`);
  const insert = bare.prepare<[string]>('INSERT INTO e (body) VALUES (?)');
  const put = bare.prepare<[number, string, string, string]>(
    'INSERT INTO t (rowid, task, input, output) VALUES (?, ?, ?, ?)',
  );
  const match = bare.prepare<[string]>('SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT 5');
  try {
    const first = Array.from({length: EPISODES}, next);
    for (const episode of first) await agent.storeEpisode(episode);
    bare.transaction(() => {
      for (const [index, {task, input, output}] of first.entries()) put.run(index + 1, task, input, output);
    })();
    const queries = Array.from({length: CALLS}, () => textOf(random, 6));
    await agent.queryMemories('warm up', 5);
    const query = await p50(queries, text => agent.queryMemories(text, 5));
    const bareMatch = await p50(queries, text => match.all(text.replaceAll(' ', ' OR ')));
    const more = Array.from({length: CALLS}, next);
    return {
      query,
      match: bareMatch,
      insert: await p50(more, episode => insert.run(JSON.stringify(episode))),
      store: await p50(more, episode => agent.storeEpisode(episode)),
      sealed: await p50(more, episode => sealed.storeEpisode(episode)),
    };
  } finally {
    bare.close();
    await Promise.all([agent.destroy(), sealed.destroy()]);
    rmSync(folder, {recursive: true, force: true});
  }
}

async function p50<T>(inputs: readonly T[], act: (input: T) => unknown): Promise<number> {
  const times: number[] = [];
  for (const input of inputs) {
    const startedMs = performance.now();
    await act(input);
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

function row(
  what: string,
  {ours, anchor, beside, mostMs}: {ours: number; anchor: number; beside: string; mostMs: number},
): BenchRow {
  return {
    what,
    ours: `${ours.toFixed(3)} ms`,
    anchor: `${beside} ${anchor.toFixed(3)} ms`,
    ratio: `${(ours / anchor).toFixed(1)}×`,
    target: `≤ ${mostMs} ms`,
    met: ours <= mostMs,
  };
}
