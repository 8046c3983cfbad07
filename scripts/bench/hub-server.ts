import {fork} from 'node:child_process';
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
 * WebSocket server that parses and writes JSON. Servers run in a process of their own; `hub-load` measures the whole hub.
 */
interface Scale {
  readonly rounds: number;
  readonly calls: number;
  readonly audience: number;
  readonly broadcasts: number;
}

const FULL: Scale = {rounds: 3, calls: 3000, audience: 1000, broadcasts: 11};
const SMALL: Scale = {rounds: 1, calls: 300, audience: 100, broadcasts: 3};

export const hubServerBench: Bench = {
  name: 'hub-server',
  title: 'The hub on the line, beside bare `ws`',
  run: async (size = 'full') => {
    const scale = size === 'full' ? FULL : SMALL;
    const server = fork(fileURLToPath(import.meta.url), ['serve'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: process.execArgv,
    });
    try {
      // What the other end of the fork sends first.
      const [ports] = (await once(server, 'message')) as [Ports];
      return [...(await roundTrips(ports, scale)), await broadcasts(ports, scale)];
    } finally {
      server.kill();
    }
  },
};

interface Ports {
  readonly hub: number;
  readonly echo: number;
}

async function roundTrips(ports: Ports, {rounds, calls}: Scale): Promise<readonly BenchRow[]> {
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
    echo: () => echo.time(calls, request),
    'pull, nothing new': () => quiet.time(calls, request),
    'push of one episode (no disk)': () => hub.time(calls, id => pushFrame(id, 'caller', 1)),
    'presence update': () => hub.time(calls, id => JSON.stringify({type: 'presence', id, presence})),
    'direct message, at its receiver': async () => {
      other.onMessage = ({id}) => other.tell({type: 'received', messages: [id]});
      return hub.timeUntil(other, calls, id => JSON.stringify({type: 'message', id, message: message(id)}));
    },
  };
  const p50: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(cases)) (p50[name] ??= []).push(median(await run()));
  }
  for (const caller of [echo, quiet, hub, other]) caller.close();
  const bare = median(p50['echo'] ?? []);
  return Object.entries(p50)
    .filter(([name]) => name !== 'echo')
    .map(([name, values]) => row(`${name}, p50`, median(values), bare, {anchor: 'bare `ws` JSON echo', target: 2}));
}

/** Time from one message to everybody until the last has it. */
async function broadcasts(ports: Ports, {audience, broadcasts: runs}: Scale): Promise<BenchRow> {
  const hubAudience = await Promise.all(
    Array.from({length: audience}, (_, index) => Caller.join(ports.hub, 'crowd', `a${index}`, {news: false})),
  );
  const bareAudience = await Promise.all(
    Array.from({length: audience}, () => Caller.open(`ws://127.0.0.1:${ports.echo}/crowd`)),
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
  for (let run = 0; run < runs; run += 1) {
    bare.push(await lastDelivery(bareAudience, () => bareAuthor.tell({type: 'crowd', body: message(run)})));
    ours.push(await lastDelivery(hubAudience, () => author.tell({type: 'message', id: run, message: message(run)})));
  }
  for (const caller of [...hubAudience, ...bareAudience, author, bareAuthor]) caller.close();
  return row(`message to ${audience}, last delivery`, median(ours), median(bare), {
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
  onMessage: (message: {id: string}) => void = () => undefined;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    webSocket.on('message', data => {
      // Whole messages come as one buffer.
      this.onText((data as Buffer).toString());
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
}

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
  const echoAddress = echo.address();
  process.send?.({hub: hub.address?.port, echo: typeof echoAddress === 'object' ? echoAddress?.port : 0});
}

/** The stream below a WebSocket: what pre-framed bytes are written to; the types do not have it. */
function socketOf(webSocket: WebSocket): {write(bytes: Buffer): boolean} {
  return Reflect.get(webSocket, '_socket') as {write(bytes: Buffer): boolean};
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'serve') await serve();
else if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await hubServerBench.run());
