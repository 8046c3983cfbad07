import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import Database from 'better-sqlite3';
import {WebSocketServer} from 'ws';
import {HubChild} from '../hub-child.ts';
import {BareLink} from './bare-link.ts';
import {Crowd, type Heard, monotonicMs, type Synced} from './hub-crowd.ts';
import {cpuSecondsOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

/**
 * The whole hub over a database on the disk, with its searching. The hub, what it is compared with, and the clients are processes of
 * their own; where a rate is measured, the row says how much of a core each of them had, so that it can be seen which was the limit.
 */
export const hubLoadBench: Bench = {
  name: 'hub-load',
  title: 'The whole hub under load, beside bare `ws` and bare better-sqlite3',
  run: async (size = 'full') => {
    const scale = size === 'full' ? FULL : SMALL;
    await using peer = await BarePeer.start();
    return [
      await pushed(peer, scale),
      ...(await rates(scale)),
      await published(scale),
      ...(await crowd(scale)),
      await stalled(scale),
      ...(await connections(peer, scale)),
    ];
  },
};

interface Scale {
  readonly calls: number;
  readonly episodes: number;
  readonly published: number;
  readonly agents: number;
  readonly syncS: number;
  readonly stalled: number;
  readonly connections: number;
  readonly rounds: number;
}

const FULL: Scale = {
  calls: 2000,
  episodes: 100_000,
  published: 50_000,
  agents: 1000,
  syncS: 30,
  stalled: 60_000,
  connections: 10_000,
  rounds: 3,
};
const SMALL: Scale = {
  calls: 200,
  episodes: 5000,
  published: 5000,
  agents: 100,
  syncS: 6,
  stalled: 6000,
  connections: 500,
  rounds: 1,
};

const LIMITS = {framesPerS: 1e6, framesBurst: 1e6, bytesPerS: 1e10, bytesBurst: 1e10};
const SYNC_EVERY_MS = 5000;
const SETTLE_MS = 1000;
const LAST_TOLD_MS = 10_000;
const SUBSCRIBERS = 100;
const BATCH = 100;
const LARGE = 4096;
const USUAL = 400;
/** Where the bare server keeps what it is told. */
const KEEPS = 'keep';
const PULL = '{"type":"pull","id":7,"since":9007199254740991,"limit":100}';

/**
 * One episode, durable, from one client: beside an echo and two commits of SQLite, one after the other without a pause. And beside one bare
 * server that commits what it gets before it echoes it, where the disk rests between two commits as it does in the hub: the least
 * that this can take on this machine.
 */
async function pushed(peer: BarePeer, {calls, rounds}: Scale): Promise<BenchRow> {
  await using hub = await HubChild.start({limits: LIMITS});
  const echo = await BareLink.open(peer.url);
  const keeper = await BareLink.open(`${peer.url}${KEEPS}`);
  const agent = await joined(hub.url, 'bench', 'a1');
  const p50: Record<'echo' | 'commit' | 'kept' | 'push', number[]> = {echo: [], commit: [], kept: [], push: []};
  await inFolder(async folder => {
    const db = bareDatabase(join(folder, 'bare.db'));
    for (let round = 0; round < rounds; round += 1) {
      p50.echo.push(await timed(calls, id => asked(echo, episodeFrame(id, 'a1'))));
      p50.commit.push(await timed(calls, id => db.insert([episodeFrame(id, 'a1')])));
      p50.kept.push(await timed(calls, id => asked(keeper, episodeFrame(id, 'a1'))));
      p50.push.push(await timed(calls, id => asked(agent, episodeFrame(id, 'a1'))));
    }
    db.close();
  });
  for (const link of [echo, keeper, agent]) link.close();
  const [ours, bare] = [median(p50.push), median(p50.echo) + 2 * median(p50.commit)];
  return {
    what: 'push of one episode until it is durable, p50',
    ours: `${ours.toFixed(3)} ms`,
    anchor: `bare \`ws\` echo ${median(p50.echo).toFixed(3)} ms + 2 × bare SQLite FULL commit ${median(p50.commit).toFixed(3)} ms; one bare process that commits and echoes ${median(p50.kept).toFixed(3)} ms`,
    ratio: `${(ours / bare).toFixed(2)}×`,
    target: '≤ 1×',
    met: ours <= bare,
  };
}

/** Durable episodes per second over the line. */
async function rates({episodes, rounds}: Scale): Promise<readonly BenchRow[]> {
  const cases = [
    {what: `durable episodes in batches of ${BATCH}`, agents: 4, batch: BATCH, inFlight: 4, target: 50_000},
    {what: 'durable single episodes from 50 connections', agents: 50, batch: 1, inFlight: 4, target: 12_000},
  ];
  const rows: BenchRow[] = [];
  for (const {what, agents, batch, inFlight, target} of cases) {
    const runs: {ours: number; bare: number; note: string}[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const bare = await inFolder(folder => bareRate(join(folder, 'bare.db'), {episodes, batch}));
      await using hub = await HubChild.start({limits: LIMITS});
      await using pushers = new Crowd();
      await pushers.order({
        do: 'open',
        url: hub.url,
        count: agents,
        tenant: 'bench',
        prefix: 'a',
        news: false,
        hello: true,
      });
      const shares = await sharesOf({hub, crowds: [pushers]});
      const pushes = episodes / batch;
      const {startedMs, endedMs} = await pushers.order<Heard>({do: 'push', pushes, batch, inFlight, bytes: USUAL});
      const note = await shares((endedMs - startedMs) / 1000);
      runs.push({ours: (episodes / (endedMs - startedMs)) * 1000, bare, note});
    }
    const ours = median(runs.map(run => run.ours));
    rows.push({
      what: `${what}, of about 700 bytes`,
      ours: `${perSecond(ours)} (${runs[0]?.note ?? ''})`,
      anchor: `bare SQLite FULL, no line, ${batch === 1 ? 'singles' : `batches of ${batch}`}: ${perSecond(median(runs.map(run => run.bare)))}`,
      ratio: `${median(runs.map(run => run.ours / run.bare)).toFixed(2)}×`,
      target: `≥ ${perSecond(target)}`,
      met: ours >= target,
    });
  }
  return rows;
}

/** Single episodes pushed by one author, told to a hundred. */
async function published({published: count, rounds}: Scale): Promise<BenchRow> {
  const runs: {rate: number; isExact: boolean; note: string}[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using hub = await HubChild.start({limits: LIMITS});
    await using listeners = new Crowd();
    await using author = new Crowd();
    const open = {do: 'open', url: hub.url, tenant: 'feed', hello: true} as const;
    await listeners.order({...open, count: SUBSCRIBERS, prefix: 's', news: true});
    await author.order({...open, count: 1, prefix: 'author', news: false});
    const shares = await sharesOf({hub, crowds: [listeners, author]});
    const listening = listeners.begin<Heard>({do: 'listen', entries: count});
    await listening.begun;
    const {startedMs} = await author.order<Heard>({
      do: 'push',
      pushes: count,
      batch: 1,
      inFlight: 200,
      bytes: USUAL / 4,
    });
    const {endedMs, isExact} = await listening.done;
    const note = await shares((endedMs - startedMs) / 1000);
    runs.push({rate: (count / (endedMs - startedMs)) * 1000, isExact, note});
  }
  const rate = median(runs.map(run => run.rate));
  const isExact = runs.every(run => run.isExact);
  return {
    what: `single episodes published to ${SUBSCRIBERS} subscribers, each told each once`,
    ours: `${perSecond(rate)}${isExact ? '' : ', NOT each once'} (${runs[0]?.note ?? ''})`,
    anchor: '–',
    ratio: '–',
    target: '≥ 10,000/s',
    met: isExact && rate >= 10_000,
  };
}

/** Many agents of one tenant, each pulling and pushing every five seconds, all told everything. */
async function crowd({agents, syncS}: Scale): Promise<readonly BenchRow[]> {
  await using hub = await HubChild.start();
  await using all = new Crowd();
  await all.order({do: 'open', url: hub.url, count: agents, tenant: 'sync', prefix: 'a', news: true, hello: true});
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  const before = await hub.usage();
  const clientsBefore = await all.order<number>({do: 'usage'});
  const startedMs = monotonicMs();
  const {syncMs, newsMs, wrong} = await all.order<Synced>({
    do: 'sync',
    everyMs: SYNC_EVERY_MS,
    forMs: syncS * 1000,
    settleMs: LAST_TOLD_MS,
  });
  const seconds = (monotonicMs() - startedMs) / 1000;
  const after = await hub.usage();
  const clients = ((await all.order<number>({do: 'usage'})) - clientsBefore) / seconds;
  const share = (after.cpuS - before.cpuS) / seconds;
  const asked = (agents * 1000) / SYNC_EVERY_MS;
  const who = `${agents.toLocaleString('en')} agents of one tenant, each pull and push every 5 s, all told everything`;
  const row = (what: string, ours: string, target: string, met: boolean): BenchRow => ({
    what: `${who}: ${what}`,
    ours,
    anchor: `${(syncMs.length / syncS).toFixed(0)} of ${asked.toFixed(0)} syncs/s done; clients at ${percent(clients)} of a core`,
    ratio: '–',
    target,
    met,
  });
  const [syncP99, newsP99] = [quantile(syncMs, 0.99), quantile(newsMs, 0.99)];
  return [
    row(
      'pull and push together',
      `p50 ${quantile(syncMs, 0.5).toFixed(1)} ms, p99 ${syncP99.toFixed(1)} ms`,
      'p99 ≤ 15 ms',
      syncP99 <= 15,
    ),
    row(
      'from the acknowledgement until the last is told',
      `p50 ${quantile(newsMs, 0.5).toFixed(1)} ms, p99 ${newsP99.toFixed(1)} ms${wrong > 0 ? `, ${wrong} NOT told everybody once` : ''}`,
      'p99 ≤ 100 ms, each once',
      newsP99 <= 100 && wrong === 0,
    ),
    row(
      'what the hub takes',
      `${percent(share)} of a core, ${after.rssMb.toFixed(0)} MB`,
      '≤ 40 %, ≤ 300 MB',
      share <= 0.4 && after.rssMb <= 300,
    ),
  ];
}

/** One reader stalls while another one is told everything. */
async function stalled({stalled: count}: Scale): Promise<BenchRow> {
  await using hub = await HubChild.start({limits: LIMITS});
  await using readers = new Crowd();
  await using author = new Crowd();
  const open = {do: 'open', url: hub.url, tenant: 'stall', hello: true} as const;
  await author.order({...open, count: 1, prefix: 'author', news: false});
  await readers.order({...open, count: 1, prefix: 'reader', news: true});
  const publish = async (entries: number) => {
    const listening = readers.begin<Heard>({do: 'listen', entries});
    await listening.begun;
    await author.order({do: 'push', pushes: entries / BATCH, batch: BATCH, inFlight: 1, bytes: LARGE});
    return listening.done;
  };
  await publish(count / 6);
  await using stuck = new Crowd();
  await stuck.order({...open, count: 1, prefix: 'stuck', news: true});
  await stuck.order({do: 'stall'});
  await publish(count / 6);
  const before = await hub.usage();
  let most = before.rssMb;
  let isExact = true;
  for (let round = 0; round < 6; round += 1) {
    isExact &&= (await publish(count / 6)).isExact;
    most = Math.max(most, (await hub.usage()).rssMb);
  }
  const grown = most - before.rssMb;
  return {
    what: `one reader stalls while ${count.toLocaleString('en')} × 4 KB are published; the other one is told each once`,
    ours: `the hub grows by ${grown.toFixed(0)} MB${isExact ? '' : ', and the other one was NOT told each once'}`,
    anchor: `${before.rssMb.toFixed(0)} MB before`,
    ratio: '–',
    target: '≤ 20 MB',
    met: grown <= 20 && isExact,
  };
}

/** What a connection takes in memory, and how long it takes to answer everybody at once. */
async function connections(peer: BarePeer, {connections: count, rounds}: Scale): Promise<readonly BenchRow[]> {
  await using hub = await HubChild.start();
  await using bare = new Crowd();
  await using ours = new Crowd();
  const hubBefore = (await hub.usage()).rssMb;
  const open = {do: 'open', count, prefix: 'c', news: false} as const;
  await ours.order({...open, url: hub.url, tenant: 'many', hello: true});
  const hubKb = ((await hub.usage()).rssMb - hubBefore) * 1024;
  const bareBefore = await peer.rssMb();
  await bare.order({...open, url: peer.url, tenant: '', hello: false});
  const bareKb = ((await peer.rssMb()) - bareBefore) * 1024;
  const storms: {ours: number[]; bare: number[]} = {ours: [], bare: []};
  for (let round = 0; round < rounds; round += 1) {
    storms.bare.push(await bare.order<number>({do: 'storm', text: PULL}));
    storms.ours.push(await ours.order<number>({do: 'storm', text: PULL}));
  }
  const [oursMs, bareMs] = [median(storms.ours), median(storms.bare)];
  const what = `${count.toLocaleString('en')} connections`;
  return [
    {
      what: `${what}, memory of each`,
      ours: `${(hubKb / count).toFixed(1)} KB`,
      anchor: `bare \`ws\` ${(bareKb / count).toFixed(1)} KB`,
      ratio: `${(hubKb / bareKb).toFixed(1)}×`,
      target: '≤ 16 KB',
      met: hubKb / count <= 16,
    },
    {
      what: `${what}, all pull at once, until the last is answered`,
      ours: `${oursMs.toFixed(0)} ms`,
      anchor: `bare \`ws\` JSON echo ${bareMs.toFixed(0)} ms`,
      ratio: `${(oursMs / bareMs).toFixed(2)}×`,
      target: '≤ 2×',
      met: oursMs <= 2 * bareMs,
    },
  ];
}

/** How much of a core each had since: what is the limit is near one. */
async function sharesOf({hub, crowds}: {hub: HubChild; crowds: readonly Crowd[]}) {
  const usage = () => Promise.all(crowds.map(each => each.order<number>({do: 'usage'})));
  const before = {hub: cpuSecondsOf(hub.pid), clients: await usage()};
  return async (seconds: number) => {
    const ours = (cpuSecondsOf(hub.pid) - before.hub) / seconds;
    const clients = (await usage()).map((cpuS, index) => (cpuS - (before.clients[index] ?? 0)) / seconds);
    return `hub at ${percent(ours)} of a core, clients at ${clients.map(percent).join(' and ')}`;
  };
}

async function joined(url: string, tenant: string, agentId: string): Promise<BareLink> {
  const link = await BareLink.open(url);
  const said = {versions: [1], sessionId: null, presence: null, subscription: {news: false, topics: []}};
  await asked(link, JSON.stringify({type: 'hello', id: 0, token: `${tenant} ${agentId}`, ...said}));
  return link;
}

function asked(link: BareLink, text: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    link.onClose = () => reject(new Error('the connection was closed'));
    link.onText = payload => resolve(JSON.parse(payload.toString()));
    link.send(text);
  });
}

async function timed(calls: number, act: (id: number) => unknown): Promise<number> {
  const times: number[] = [];
  for (let id = 1; id <= calls; id += 1) {
    const startedMs = performance.now();
    await act(id);
    times.push(performance.now() - startedMs);
    // Else pings of a hub would wait for an answer until the end.
    await new Promise(resolve => setImmediate(resolve));
  }
  return median(times);
}

function bareDatabase(file: string) {
  const db = new Database(file);
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE episodes (position INTEGER PRIMARY KEY, body TEXT NOT NULL)');
  const insert = db.prepare<[string]>('INSERT INTO episodes (body) VALUES (?)');
  const [begin, commit] = [db.prepare('BEGIN'), db.prepare('COMMIT')];
  return {
    insert(bodies: readonly string[]) {
      begin.run();
      for (const body of bodies) insert.run(body);
      commit.run();
    },
    close: () => db.close(),
  };
}

/** Singles, of which there are fewer for the time they take, are a commit each. */
function bareRate(file: string, {episodes, batch}: {episodes: number; batch: number}): number {
  const db = bareDatabase(file);
  const body = episodeFrame(1, 'bare');
  const rounds = Math.min(episodes / batch, 5000);
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round += 1) db.insert(Array.from({length: batch}, () => body));
  const seconds = (performance.now() - startedMs) / 1000;
  db.close();
  return (rounds * batch) / seconds;
}

let made = 0;
function episodeFrame(id: number, agentId: string): string {
  const at = `${Date.now().toString(16).padStart(12, '0')}-0000-${agentId}`;
  const episode = {
    id: `e${(made += 1)}`,
    agentId,
    sessionId: null,
    // What says the same is merged; agents that work on different things say different things.
    task: `make build ${made} of ${agentId} green`,
    input: 'x'.repeat(USUAL / 2),
    output: 'y'.repeat(USUAL / 2),
    critique: null,
    reward: 0.5,
    success: true,
    tags: ['build', 'ci'],
    at,
    expiresAtMs: null,
    signature: null,
  };
  return JSON.stringify({type: 'push', id, items: [{kind: 'episode', episode}]});
}

/** A bare WebSocket server that parses and writes JSON, in a process of its own; at `KEEPS` it has it on the disk before. */
class BarePeer implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `ws://127.0.0.1:${port}/`;
  }

  static async start(): Promise<BarePeer> {
    const child = fork(fileURLToPath(import.meta.url), ['peer'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: process.execArgv,
    });
    // What the child sends first.
    const [port] = (await once(child, 'message')) as [number];
    return new BarePeer(child, port);
  }

  async rssMb(): Promise<number> {
    this.#child.send('rss');
    // What the child answers.
    const [bytes] = (await once(this.#child, 'message')) as [number];
    return bytes / 2 ** 20;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

async function peer(): Promise<void> {
  const server = new WebSocketServer({port: 0, host: '127.0.0.1', perMessageDeflate: false, backlog: 4096});
  const folder = mkdtempSync(join(tmpdir(), 'godel-hub-load-peer-'));
  const db = bareDatabase(join(folder, 'bare.db'));
  server.on('connection', (webSocket, {url}) => {
    webSocket.on('message', data => {
      // Text frames come as one buffer each.
      const text = JSON.stringify(JSON.parse((data as Buffer).toString()));
      if (url === `/${KEEPS}`) db.insert([text]);
      webSocket.send(text);
    });
    webSocket.on('error', () => undefined);
  });
  await once(server, 'listening');
  process.on('message', () => process.send?.(process.memoryUsage.rss()));
  process.once('disconnect', () => {
    db.close();
    rmSync(folder, {recursive: true});
    process.exit();
  });
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : 0);
}

async function inFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'godel-hub-load-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

/** NaN when there are none. */
function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'peer') await peer();
  else console.table(await hubLoadBench.run(process.argv[2] === 'small' ? 'small' : 'full'));
}
