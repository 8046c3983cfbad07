import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {BareLink} from './bare-link.ts';

/** What a crowd is told to do; each is answered by one message. */
export type Order =
  /** Joins so many agents, `prefix` and a number; `hello: false`: bare WebSockets that say nothing. */
  | {
      readonly do: 'open';
      readonly url: string;
      readonly count: number;
      readonly tenant: string;
      readonly prefix: string;
      readonly news: boolean;
      readonly hello: boolean;
    }
  | {readonly do: 'close'}
  | {readonly do: 'usage'}
  /** Waits until each has been told so many entries. */
  | {readonly do: 'listen'; readonly entries: number}
  /** Waits until each has got a message. */
  | {readonly do: 'hear'}
  /** All ask at once, and all are answered. */
  | {readonly do: 'storm'; readonly text: string}
  /** Each pulls and pushes every `everyMs`, spread evenly, for `forMs`. */
  | {readonly do: 'sync'; readonly everyMs: number; readonly forMs: number; readonly settleMs: number}
  /** Each pushes `batch` episodes again and again, `inFlight` pushes at a time, until all have pushed `pushes` together. */
  | {
      readonly do: 'push';
      readonly pushes: number;
      readonly batch: number;
      readonly inFlight: number;
      readonly bytes: number;
    }
  /** The last one reads no more. */
  | {readonly do: 'stall'};

export interface Heard {
  /** Monotonic milliseconds, the same for all processes of the machine. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Whether each was told each entry once. */
  readonly isExact: boolean;
}

export interface Synced {
  /** Milliseconds of each pull and push together. */
  readonly syncMs: readonly number[];
  /** Milliseconds from the acknowledgement of an entry until the last of the crowd was told. */
  readonly newsMs: readonly number[];
  /** Entries that not everybody was told, or somebody twice. */
  readonly wrong: number;
}

/** What a crowd answers to an order: first that it has begun, then what came of it. */
type Told = {readonly begun: true} | {readonly done: unknown} | {readonly error: string};

/** A process that holds many agents, so that neither the hub nor what measures it has to share a core with them. One order at a time. */
export class Crowd implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(import.meta.url), ['crowd'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: process.execArgv,
    });
  }

  /** What comes back is what the order asks for. */
  order<Answer = undefined>(order: Order): Promise<Answer> {
    return this.begin<Answer>(order).done;
  }

  /** `begun` resolves when it has begun to listen. */
  begin<Answer = undefined>(order: Order): {readonly begun: Promise<void>; readonly done: Promise<Answer>} {
    let begin: () => void = () => undefined;
    const begun = new Promise<void>(resolve => {
      begin = resolve;
    });
    const done = new Promise<Answer>((resolve, reject) => {
      const onExit = () => reject(new Error('the crowd has ended'));
      const onMessage = (told: Told) => {
        if ('begun' in told) return begin();
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        if ('error' in told) reject(new Error(told.error));
        // What the order asks for, by our own program.
        else resolve(told.done as Answer);
      };
      this.#child.on('message', onMessage);
      this.#child.once('exit', onExit);
    });
    this.#child.send(order);
    return {begun, done};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

const POSITION = Buffer.from('"position":');
const NEWS = Buffer.from('{"type":"news"');
const WELCOME = Buffer.from('{"type":"welcome"');
const MESSAGE = Buffer.from('{"type":"message"');
const NINE = 57;
const ZERO = 48;
const AT_ONCE = 100;
const LOOK_MS = 100;

interface Agent {
  readonly link: BareLink;
  readonly agentId: string;
}

let agents: Agent[] = [];
let made = 0;
let lost: (error: Error) => void = () => undefined;

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return open(order);
    case 'close':
      for (const {link} of agents) link.close();
      agents = [];
      return undefined;
    case 'usage': {
      const {user, system} = process.cpuUsage();
      return (user + system) / 1e6;
    }
    case 'listen':
      return listen(order.entries);
    case 'hear':
      return hear();
    case 'storm':
      return storm(order.text);
    case 'sync':
      return sync(order);
    case 'push':
      return push(order);
    case 'stall':
      agents.at(-1)?.link.pause();
      return undefined;
  }
}

async function open({url, count, tenant, prefix, news, hello}: Extract<Order, {do: 'open'}>): Promise<void> {
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const some = Array.from({length: Math.min(AT_ONCE, count - begun)}, (_, index) => `${prefix}${begun + index}`);
    agents.push(...(await Promise.all(some.map(agentId => join(agentId)))));
  }
  async function join(agentId: string): Promise<Agent> {
    const link = await BareLink.open(url);
    if (!hello) return {link, agentId};
    const welcomed = new Promise<void>((resolve, reject) => {
      link.onText = payload => {
        if (startsWith(payload, WELCOME)) resolve();
        else if (!startsWith(payload, NEWS)) reject(new Error(payload.toString('utf8', 0, 300)));
      };
    });
    const said = {versions: [1], sessionId: null, presence: null, subscription: {news, topics: []}};
    link.send(JSON.stringify({type: 'hello', id: 0, token: `${tenant} ${agentId}`, ...said}));
    await welcomed;
    link.onText = () => undefined;
    link.onClose = () => lost(new Error(`${agentId} was cut off`));
    return {link, agentId};
  }
}

function listen(entries: number): Promise<Heard> {
  const startedMs = monotonicMs();
  return new Promise(resolve => {
    let listening = agents.length;
    let isExact = true;
    for (const {link} of agents) {
      const seen = new Uint8Array(entries);
      let count = 0;
      let first = -1;
      link.onText = payload => {
        if (!startsWith(payload, NEWS)) return;
        eachPosition(payload, position => {
          if (first < 0) first = position;
          const index = position - first;
          if (seen[index] !== 0) isExact = false;
          seen[index] = 1;
          count += 1;
        });
        if (count < entries) return;
        link.onText = () => undefined;
        listening -= 1;
        if (listening === 0) resolve({startedMs, endedMs: monotonicMs(), isExact});
      };
    }
  });
}

function hear(): Promise<number> {
  return new Promise(resolve => {
    let missing = agents.length;
    for (const {link} of agents) {
      link.onText = payload => {
        if (!startsWith(payload, MESSAGE)) return;
        missing -= 1;
        if (missing === 0) resolve(monotonicMs());
      };
    }
  });
}

function storm(text: string): Promise<number> {
  return new Promise(resolve => {
    let missing = agents.length;
    const startedMs = monotonicMs();
    for (const {link} of agents) {
      link.onText = () => {
        missing -= 1;
        if (missing === 0) resolve(monotonicMs() - startedMs);
      };
      link.send(text);
    }
  });
}

async function sync({everyMs, forMs, settleMs}: Extract<Order, {do: 'sync'}>): Promise<Synced> {
  const syncMs: number[] = [];
  const acknowledgedMs = new Map<number, number>();
  const told = new Map<number, {count: number; lastMs: number}>();
  const timers: NodeJS.Timeout[] = [];
  const endMs = monotonicMs() + forMs;
  for (const [index, {link, agentId}] of agents.entries()) {
    let [askedMs, answers] = [0, 0];
    link.onText = payload => {
      const nowMs = monotonicMs();
      if (startsWith(payload, NEWS)) {
        eachPosition(payload, position => {
          const entry = told.get(position);
          if (entry === undefined) told.set(position, {count: 1, lastMs: nowMs});
          else {
            entry.count += 1;
            entry.lastMs = nowMs;
          }
        });
        return;
      }
      const answer = payload.toString('latin1', 0, 18);
      if (answer.startsWith('{"type":"pushed"')) eachPosition(payload, position => acknowledgedMs.set(position, nowMs));
      else if (!answer.startsWith('{"type":"entries"')) return;
      answers += 1;
      if (answers % 2 === 0) syncMs.push(nowMs - askedMs);
    };
    const act = () => {
      if (monotonicMs() >= endMs) return;
      askedMs = monotonicMs();
      link.send('{"type":"pull","id":1,"since":9007199254740991,"limit":100}');
      link.send(pushFrame(2, agentId, 1, 400));
      timers.push(setTimeout(act, everyMs));
    };
    timers.push(setTimeout(act, (everyMs * index) / agents.length));
  }
  await new Promise(resolve => setTimeout(resolve, forMs));
  // What was pushed last is still to be told.
  const isTold = (position: number) => told.get(position)?.count === agents.length - 1;
  while (monotonicMs() < endMs + settleMs && ![...acknowledgedMs.keys()].every(isTold)) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
  for (const timer of timers) clearTimeout(timer);
  const newsMs: number[] = [];
  let wrong = 0;
  for (const [position, ackMs] of acknowledgedMs) {
    const entry = told.get(position);
    if (entry?.count === agents.length - 1) newsMs.push(entry.lastMs - ackMs);
    else wrong += 1;
  }
  return {syncMs, newsMs, wrong};
}

function push({pushes, batch, inFlight, bytes}: Extract<Order, {do: 'push'}>): Promise<Heard> {
  const startedMs = monotonicMs();
  return new Promise((resolve, reject) => {
    let [sent, answered] = [0, 0];
    for (const {link, agentId} of agents) {
      const next = () => {
        if (sent >= pushes) return;
        sent += 1;
        link.send(pushFrame(sent, agentId, batch, bytes));
      };
      link.onText = payload => {
        const text = payload.toString('latin1', 0, 16);
        if (text === '{"type":"error",') reject(new Error(payload.toString('utf8', 0, 300)));
        if (text !== '{"type":"pushed"') return;
        answered += 1;
        if (answered === pushes) resolve({startedMs, endedMs: monotonicMs(), isExact: true});
        next();
      };
      for (let begun = 0; begun < inFlight; begun += 1) next();
    }
  });
}

/** The positions of the entries of a frame, each parsed from its digits. */
function eachPosition(payload: Buffer, take: (position: number) => void): void {
  for (let at = payload.indexOf(POSITION); at >= 0; at = payload.indexOf(POSITION, at)) {
    at += POSITION.length;
    let position = 0;
    for (let digit = payload[at] ?? 0; digit >= ZERO && digit <= NINE; digit = payload[(at += 1)] ?? 0) {
      position = position * 10 + digit - ZERO;
    }
    take(position);
  }
}

function startsWith(payload: Buffer, what: Buffer): boolean {
  return payload.length >= what.length && payload.compare(what, 0, what.length, 0, what.length) === 0;
}

function pushFrame(id: number, agentId: string, count: number, bytes: number): string {
  const at = `${Date.now().toString(16).padStart(12, '0')}-0000-${agentId}`;
  const [input, output] = ['x'.repeat(bytes / 2), 'y'.repeat(bytes / 2)];
  const items: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const episodeId = `${process.pid}-${(made += 1)}`;
    // What says the same is merged; agents that work on different things say different things.
    items.push(
      `{"kind":"episode","episode":{"id":"${episodeId}","agentId":"${agentId}","sessionId":null,"task":"make build ${made} of ${agentId} green","input":"${input}","output":"${output}","critique":null,"reward":0.5,"success":true,"tags":["build","ci"],"at":"${at}","expiresAtMs":null,"signature":null}}`,
    );
  }
  return `{"type":"push","id":${id},"items":[${items.join(',')}]}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'crowd') {
  const tell = (told: Told) => process.send?.(told);
  process.on('message', (order: Order) => {
    const cutOff = new Promise<never>((_, reject) => {
      lost = reject;
    });
    const carried = Promise.race([carryOut(order), cutOff]);
    tell({begun: true});
    carried.then(
      done => tell({done}),
      (error: unknown) => tell({error: String(error)}),
    );
  });
  process.once('disconnect', () => process.exit());
}
