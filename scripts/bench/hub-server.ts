import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {WebSocket, WebSocketServer} from 'ws';
import {ok} from '../../src/base/result.ts';
import {HubServer} from '../../src/hub/server/hub-server.ts';
import type {HubFrame} from '../../src/wire/hub-protocol.ts';
import {frameText} from '../../src/wire/hub-text-frame.ts';
import type {HubTotals} from '../../src/hub/server/hub-parts.ts';
import type {AppendResult, HubStore} from '../../src/hub/server/hub-store.ts';
import type {LogItem} from '../../src/model/episode.ts';
import {type Bench, type BenchRow, median} from './table.ts';

/**
 * The hub's line, without a disk (the store only counts): what the protocol, the checks and the telling cost beside a bare
 * WebSocket server that parses and writes JSON. Servers run in a process of their own.
 */
const ROUNDS = 3;
const CALLS = 3000;
const AUDIENCE = 1000;
const SUBSCRIBERS = 100;
const PUBLISHED = 20_000;
const IN_FLIGHT = 200;
const SYNC_MS = 5000;

export const hubServerBench: Bench = {
  name: 'hub-server',
  title: 'The hub on the line, beside bare `ws`',
  run: async () => {
    const server = fork(fileURLToPath(import.meta.url), ['serve'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: process.execArgv,
    });
    try {
      // What the other end of the fork sends first.
      const [ports] = (await once(server, 'message')) as [Ports];
      return [
        ...(await roundTrips(ports)),
        await broadcasts(ports),
        await crowd(ports, server),
        await stalled(ports, server),
        await coalesced(ports, server),
      ];
    } finally {
      server.kill();
    }
  },
};

interface Ports {
  readonly hub: number;
  readonly echo: number;
}

async function roundTrips(ports: Ports): Promise<readonly BenchRow[]> {
  const echo = await Caller.open(`ws://127.0.0.1:${ports.echo}`);
  const quiet = await Caller.join(ports.hub, 'quiet', 'caller');
  const [hub, other] = [
    await Caller.join(ports.hub, 'bench', 'caller'),
    await Caller.join(ports.hub, 'bench', 'other'),
  ];
  const request = (id: number) => JSON.stringify({type: 'pull', id, since: 0, limit: 100});
  const presence = {status: 'busy', doing: 'a task', skills: ['ts', 'sql']};
  const message = (id: number) => ({
    id: `m${id}-${performance.now()}`,
    to: 'other',
    topic: null,
    kind: 'message',
    body: {task: 't1'},
    priority: 'normal',
    correlationId: null,
  });
  const cases = {
    echo: () => echo.time(CALLS, request),
    'pull, nothing new': () => quiet.time(CALLS, request),
    'push of one episode (no disk)': () => hub.time(CALLS, id => pushFrame(id, 'caller', 1)),
    'presence update': () => hub.time(CALLS, id => JSON.stringify({type: 'presence', id, presence})),
    'direct message, at its receiver': async () => {
      other.onMessage = ({id}) => other.tell({type: 'received', messages: [id]});
      return hub.timeUntil(other, CALLS, id => JSON.stringify({type: 'message', id, message: message(id)}));
    },
  };
  const p50: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(cases)) (p50[name] ??= []).push(median(await run()));
  }
  for (const caller of [echo, quiet, hub, other]) caller.close();
  const bare = median(p50['echo'] ?? []);
  return Object.entries(p50)
    .filter(([name]) => name !== 'echo')
    .map(([name, values]) => row(`${name}, p50`, median(values), bare, {anchor: 'bare `ws` JSON echo', target: 2}));
}

/** Time from one message to everybody until the last of a thousand has it. */
async function broadcasts(ports: Ports): Promise<BenchRow> {
  const hubAudience = await Promise.all(
    Array.from({length: AUDIENCE}, (_, index) => Caller.join(ports.hub, 'crowd', `a${index}`, {news: false})),
  );
  const bareAudience = await Promise.all(
    Array.from({length: AUDIENCE}, () => Caller.open(`ws://127.0.0.1:${ports.echo}/crowd`)),
  );
  const author = await Caller.join(ports.hub, 'crowd', 'author', {news: false});
  const bareAuthor = await Caller.open(`ws://127.0.0.1:${ports.echo}`);
  await new Promise(resolve => setTimeout(resolve, 1000));
  const message = (id: number) => ({
    id: `b${id}`,
    to: null,
    topic: null,
    kind: 'message',
    body: 'x'.repeat(200),
    priority: 'normal',
    correlationId: null,
  });
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run < 11; run += 1) {
    bare.push(await lastDelivery(bareAudience, () => bareAuthor.tell({type: 'crowd', body: message(run)})));
    ours.push(await lastDelivery(hubAudience, () => author.tell({type: 'message', id: run, message: message(run)})));
  }
  for (const caller of [...hubAudience, ...bareAudience, author, bareAuthor]) caller.close();
  return row(`message to ${AUDIENCE}, last delivery`, median(ours), median(bare), {
    anchor: 'pre-framed bare `ws`',
    target: 1.5,
  });
}

function lastDelivery(audience: readonly Caller[], tell: () => void): Promise<number> {
  return new Promise(resolve => {
    let missing = audience.length;
    const startedMs = performance.now();
    for (const caller of audience) {
      caller.onText = () => {
        missing -= 1;
        if (missing === 0) resolve(performance.now() - startedMs);
      };
    }
    tell();
  });
}

/** How many published episodes per second reach a hundred subscribers, each exactly once. */
async function coalesced(ports: Ports, server: ChildProcess): Promise<BenchRow> {
  const subscribers = await Promise.all(
    Array.from({length: SUBSCRIBERS}, (_, index) => Caller.join(ports.hub, 'feed', `s${index}`)),
  );
  const author = await Caller.join(ports.hub, 'feed', 'author', {news: false});
  const before = await usageOf(server);
  const startedMs = performance.now();
  const positions = new Set<number>();
  const counted = subscribers.map((subscriber, index) =>
    subscriber.countEntries(PUBLISHED, index === 0 ? positions : null),
  );
  for (let sent = 0; sent < PUBLISHED; sent += 1) {
    author.raw(pushFrame(sent, 'author', 1));
    if (sent % IN_FLIGHT === IN_FLIGHT - 1) await author.answered(sent);
  }
  const counts = await Promise.all(counted);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuS = (await usageOf(server)).cpuS - before.cpuS;
  for (const caller of [...subscribers, author]) caller.close();
  const isExact = positions.size === PUBLISHED && counts.every(count => count === PUBLISHED);
  const perS = Math.round(PUBLISHED / seconds);
  const perCpuS = Math.round(PUBLISHED / cpuS);
  return {
    what: `episodes published one by one to ${SUBSCRIBERS} subscribers, each received once`,
    ours: `${perS}/s${isExact ? '' : ', NOT each once'}`,
    anchor: `${perCpuS} per second of the hub's processor time; all clients are one process`,
    ratio: '–',
    target: '≥ 10,000/s',
    met: isExact && perS >= 10_000,
  };
}

interface Usage {
  readonly cpuS: number;
  readonly rssMb: number;
}

async function usageOf(server: ChildProcess): Promise<Usage> {
  server.send('usage');
  // What the server answers to that.
  const [usage] = (await once(server, 'message')) as [Usage];
  return usage;
}

/** How much the hub grows while one reader stalls and another one gets everything. */
async function stalled(ports: Ports, server: ChildProcess): Promise<BenchRow> {
  const author = await Caller.join(ports.hub, 'stall', 'author', {news: false});
  const [reader, stuck] = [
    await Caller.join(ports.hub, 'stall', 'reader'),
    await Caller.join(ports.hub, 'stall', 'stuck'),
  ];
  const publish = async (count: number) => {
    const counted = reader.countEntries(count, null);
    for (let sent = 0; sent < count; sent += 100) {
      author.raw(pushFrame(sent, 'author', 100, 4096));
      await author.answered(sent);
    }
    await counted;
  };
  await publish(5000);
  const before = await usageOf(server);
  stuck.pause();
  let most = before.rssMb;
  for (let round = 0; round < 12; round += 1) {
    await publish(5000);
    most = Math.max(most, (await usageOf(server)).rssMb);
  }
  for (const caller of [author, reader, stuck]) caller.close();
  const grown = most - before.rssMb;
  return {
    what: 'one reader stalls while 60,000 × 4 KB are published; another one gets all of them',
    ours: `the hub grows by ${grown.toFixed(0)} MB`,
    anchor: `${before.rssMb.toFixed(0)} MB before`,
    ratio: '–',
    target: '≤ 20 MB',
    met: grown <= 20,
  };
}

/** A thousand agents of one tenant, each pulling and pushing every five seconds, all told everything. */
async function crowd(ports: Ports, server: ChildProcess): Promise<BenchRow> {
  const agents = await Promise.all(
    Array.from({length: AUDIENCE}, (_, index) => Caller.join(ports.hub, 'sync', `a${index}`)),
  );
  for (const agent of agents) agent.onBytes = () => undefined;
  const before = await usageOf(server);
  const startedMs = performance.now();
  let syncs = 0;
  const timers = agents.map((agent, index) =>
    setTimeout(
      () => {
        agent.raw(JSON.stringify({type: 'pull', id: 1, since: 1e9, limit: 100}));
        agent.raw(pushFrame(2, `a${index}`, 1));
        syncs += 1;
      },
      (SYNC_MS * index) / AUDIENCE,
    ),
  );
  await new Promise(resolve => setTimeout(resolve, SYNC_MS));
  const after = await usageOf(server);
  const seconds = (performance.now() - startedMs) / 1000;
  for (const timer of timers) clearTimeout(timer);
  for (const agent of agents) agent.close();
  const share = (100 * (after.cpuS - before.cpuS)) / seconds;
  return {
    what: `${AUDIENCE} agents, each pull and push every 5 s, all told everything`,
    ours: `hub at ${share.toFixed(0)} % of a core, ${after.rssMb.toFixed(0)} MB`,
    anchor: `${(syncs / seconds).toFixed(0)} syncs/s asked for`,
    ratio: '–',
    target: '≤ 40 %, ≤ 300 MB',
    met: share <= 40 && after.rssMb <= 300,
  };
}

function row(
  what: string,
  oursMs: number,
  bareMs: number,
  {anchor, target}: {anchor: string; target: number},
): BenchRow {
  const ratio = oursMs / bareMs;
  return {
    what,
    ours: `${oursMs.toFixed(3)} ms`,
    anchor: `${anchor} ${bareMs.toFixed(3)} ms`,
    ratio: `${ratio.toFixed(2)}×`,
    target: `≤ ${target}×`,
    met: ratio <= target,
  };
}

let made = 0;
function pushFrame(id: number, agentId: string, count: number, bytes = 400): string {
  const items = Array.from({length: count}, () => ({
    kind: 'episode',
    episode: {
      id: `e${(made += 1)}`,
      agentId,
      sessionId: null,
      task: 'make the build green',
      input: 'x'.repeat(bytes / 2),
      output: 'y'.repeat(bytes / 2),
      critique: null,
      reward: 0.5,
      success: true,
      tags: ['build', 'ci'],
      at: '0',
      expiresAtMs: null,
      signature: null,
    },
  }));
  return JSON.stringify({type: 'push', id, items});
}

class Caller {
  readonly #webSocket: WebSocket;
  onText: (text: string) => void = () => undefined;
  /** Instead of `onText`. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  onMessage: (message: {id: string}) => void = () => undefined;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    webSocket.on('message', data => {
      // Whole messages come as one buffer.
      if (this.onBytes) this.onBytes(data as Buffer);
      else this.onText((data as Buffer).toString());
    });
  }

  static async open(url: string): Promise<Caller> {
    const webSocket = new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
    const caller = new Caller(webSocket);
    await once(webSocket, 'open');
    return caller;
  }

  static async join(port: number, tenant: string, agent: string, {news = true} = {}): Promise<Caller> {
    const caller = await Caller.open(`ws://127.0.0.1:${port}/v1/hub`);
    const subscription = {news, topics: []};
    const welcomed = new Promise<void>(resolve => {
      caller.onText = text => {
        if (text.startsWith('{"type":"welcome"')) resolve();
      };
    });
    const token = `${tenant} ${agent}`;
    caller.tell({type: 'hello', id: 0, versions: [1], token, sessionId: null, presence: null, subscription});
    await welcomed;
    caller.onText = () => undefined;
    return caller;
  }

  tell(frame: unknown): void {
    this.raw(JSON.stringify(frame));
  }

  raw(text: string): void {
    this.#webSocket.send(text);
  }

  close(): void {
    this.#webSocket.terminate();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  /** Milliseconds of each of so many calls, one after the other; every answer is parsed. */
  async time(calls: number, request: (id: number) => string): Promise<readonly number[]> {
    const times: number[] = [];
    for (let id = 1; id <= calls; id += 1) {
      const text = request(id);
      const startedMs = performance.now();
      this.raw(text);
      await this.answered(id);
      times.push(performance.now() - startedMs);
    }
    return times;
  }

  /** The same, until `other` has the message. */
  async timeUntil(other: Caller, calls: number, request: (id: number) => string): Promise<readonly number[]> {
    const times: number[] = [];
    for (let id = 1; id <= calls; id += 1) {
      const text = request(id);
      // The sender's own answer comes after the delivery; the next call begins when both are over.
      const answered = this.answered(id);
      const startedMs = performance.now();
      const came = other.messageCame().then(() => times.push(performance.now() - startedMs));
      this.raw(text);
      await Promise.all([came, answered]);
    }
    return times;
  }

  answered(id: number): Promise<void> {
    return new Promise(resolve => {
      this.onText = text => {
        const frame: unknown = JSON.parse(text);
        if (typeof frame === 'object' && frame !== null && 'id' in frame && frame.id === id) resolve();
      };
    });
  }

  messageCame(): Promise<void> {
    return new Promise(resolve => {
      this.onText = text => {
        // Our hub speaks its protocol.
        const frame = JSON.parse(text) as HubFrame;
        if (frame.type !== 'message') return;
        this.onMessage(frame.message);
        resolve();
      };
    });
  }

  /** Resolves with how many entries of news came, once there are `all`; `positions` is filled by the one that parses. */
  countEntries(all: number, positions: Set<number> | null): Promise<number> {
    let count = 0;
    return new Promise(resolve => {
      this.onBytes = bytes => {
        if (positions) {
          // Our hub speaks its protocol.
          const frame = JSON.parse(bytes.toString()) as HubFrame;
          if (frame.type === 'news') for (const {position} of frame.entries) positions.add(position);
        }
        for (let at = bytes.indexOf(POSITION); at >= 0; at = bytes.indexOf(POSITION, at + 1)) count += 1;
        if (count >= all) resolve(count);
      };
    });
  }
}

const POSITION = Buffer.from('"position":');

/** Gives positions, and keeps nothing. */
class CountingStore implements HubStore, HubTotals {
  readonly log = 'counted';
  readonly #heads = new Map<string, number>();

  append(tenant: string, items: readonly LogItem[]): readonly AppendResult[] {
    let head = this.head(tenant);
    const results = items.map(item => {
      head += 1;
      return {id: item.kind === 'episode' ? item.episode.id : item.change.id, position: head, isNew: true};
    });
    this.#heads.set(tenant, head);
    return results;
  }

  flush(): {ok: true; value: undefined} {
    return {ok: true, value: undefined};
  }

  pull(): {entries: []; more: false} {
    return {entries: [], more: false};
  }

  get(): null {
    return null;
  }

  head(tenant: string): number {
    return this.#heads.get(tenant) ?? 0;
  }

  episodes(tenant: string | null): number {
    return tenant === null ? [...this.#heads.values()].reduce((sum, head) => sum + head, 0) : this.head(tenant);
  }

  tenants(): number {
    return this.#heads.size;
  }

  close(): void {
    this.#heads.clear();
  }
}

/** The servers that are measured: the hub with tokens that are taken at their word, and a bare one. */
async function serve(): Promise<void> {
  const store = new CountingStore();
  const hub = new HubServer({
    port: 0,
    store,
    totals: store,
    permits: () => true,
    limits: {framesPerS: 1e6, framesBurst: 1e6, bytesPerS: 1e9, bytesBurst: 1e9, deadAfterMs: 120_000},
    auth: {
      verify: token => {
        const [tenantId = '', agentId = ''] = token.split(' ');
        return Promise.resolve(ok({agentId, tenantId, role: 'worker', tokenId: token, expiresAtMs: Date.now() + 1e9}));
      },
      recheck: identity => ok(identity),
    },
  });
  await hub.start();
  const echo = new WebSocketServer({port: 0, host: '127.0.0.1', perMessageDeflate: false});
  const crowd = new Set<WebSocket>();
  echo.on('connection', (webSocket, request) => {
    if (request.url === '/crowd') crowd.add(webSocket);
    webSocket.on('close', () => crowd.delete(webSocket));
    webSocket.on('message', data => {
      // Text frames.
      const frame: unknown = JSON.parse((data as Buffer).toString());
      if (typeof frame === 'object' && frame !== null && 'type' in frame && frame.type === 'crowd') {
        const bytes = frameText(JSON.stringify(frame));
        for (const member of crowd) socketOf(member).write(bytes);
      } else webSocket.send(JSON.stringify(frame));
    });
  });
  await once(echo, 'listening');
  process.on('message', () => {
    const {user, system} = process.cpuUsage();
    process.send?.({cpuS: (user + system) / 1e6, rssMb: process.memoryUsage.rss() / 2 ** 20} satisfies Usage);
  });
  const echoAddress = echo.address();
  process.send?.({hub: hub.address?.port, echo: typeof echoAddress === 'object' ? echoAddress?.port : 0});
}

/** The stream below a WebSocket: what pre-framed bytes are written to; the types do not have it. */
function socketOf(webSocket: WebSocket): {write(bytes: Buffer): boolean} {
  return Reflect.get(webSocket, '_socket') as {write(bytes: Buffer): boolean};
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'serve') await serve();
else if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await hubServerBench.run());
