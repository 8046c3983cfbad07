import {fileURLToPath} from 'node:url';
import {HubChild} from '../hub-child.ts';
import {type Dialect, DialectAgent, OURS, THEIRS} from './hub-dialects.ts';
import {PEER_NAME, PeerChild} from './peer-child.ts';
import {cpuSecondsOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

/**
 * A known public hub beside ours, both over a database in a file and asked by the same client in turn. Its package is fetched from the npm
 * registry when this is run; nothing in it is changed, see `peer-hub.mjs` for what it is given to be at its best.
 */
export const hubPeerBench: Bench = {
  name: 'hub-peer',
  title: `The hub beside that of ${PEER_NAME}`,
  isLong: true,
  run: async (size = 'full') => {
    const scale = size === 'full' ? FULL : SMALL;
    const rows = [await shipped(scale)];
    {
      await using hub = await ourHub();
      await using peer = await peerHub();
      rows.push(...(await alone({hub, peer}, scale)), ...(await told({hub, peer}, scale)));
    }
    rows.push(...(await together(scale)));
    return rows;
  },
};

interface Scale {
  readonly calls: number;
  readonly audience: number;
  readonly tellings: number;
  readonly agents: number;
  readonly syncS: number;
}

const FULL: Scale = {calls: 1000, audience: 1000, tellings: 11, agents: 1000, syncS: 30};
const SMALL: Scale = {calls: 50, audience: 30, tellings: 3, agents: 30, syncS: 2};
const SYNC_EVERY_MS = 5000;
const SETTLE_MS = 1000;
const AT_ONCE = 50;
/** Pulls answer with as many of the latest episodes at most, where they answer with what is known already. */
const KNOWN = 100;
const LIMITS = {framesPerS: 1e6, framesBurst: 1e6, bytesPerS: 1e10, bytesBurst: 1e10};

/** A hub that runs, whoever's it is. */
interface Running extends AsyncDisposable {
  readonly url: string;
  readonly dialect: Dialect;
  cpuSeconds(): Promise<number>;
}

interface Pair {
  readonly ours: number[];
  readonly theirs: number[];
}

interface Both {
  readonly hub: Running;
  readonly peer: Running;
}

async function ourHub(): Promise<Running> {
  const child = await HubChild.start({limits: LIMITS});
  return {
    url: child.url,
    dialect: OURS,
    cpuSeconds: () => Promise.resolve(cpuSecondsOf(child.pid)),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

async function peerHub(): Promise<Running> {
  const child = await PeerChild.start('at-its-best');
  return {
    url: child.url,
    dialect: THEIRS,
    cpuSeconds: () => child.cpuSeconds(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** As it is shipped: what of what it acknowledges is in its database, when each episode is of another session, and when not. */
async function shipped({calls}: Scale): Promise<BenchRow> {
  await using peer = await PeerChild.start('as-shipped');
  const agent = await DialectAgent.join(peer.url, {dialect: THEIRS, tenant: 'bench', agentId: 'a'});
  const ms = await timed(calls, () => agent.push());
  const distinct = peer.stored();
  await timed(calls, () => agent.pushAgain());
  const again = peer.stored() - distinct;
  agent.close();
  return {
    what: `as shipped: ${calls.toLocaleString('en')} single pushes acknowledged, then ${calls.toLocaleString('en')} that differ in their outputs alone`,
    ours: '–',
    anchor: `${distinct.toLocaleString('en')} and ${again.toLocaleString('en')} more in its database; p50 ${median(ms).toFixed(3)} ms`,
    ratio: '–',
    target: '–',
    met: null,
  };
}

/** One client, one question after the other. */
async function alone(both: Both, {calls}: Scale): Promise<readonly BenchRow[]> {
  const [ours, theirs] = await Promise.all(
    [both.hub, both.peer].map(({url, dialect}) => DialectAgent.join(url, {dialect, tenant: 'alone', agentId: 'a'})),
  );
  if (ours === undefined || theirs === undefined) throw new Error('both have joined');
  const act = async (run: (agent: DialectAgent) => Promise<void>) => ({
    theirs: await timed(calls, () => run(theirs)),
    ours: await timed(calls, () => run(ours)),
  });
  await act(agent => agent.push());
  const pushes = await act(agent => agent.push());
  const pulls = await act(agent => agent.pull());
  for (const agent of [ours, theirs]) agent.close();
  return [
    row(`pull round trip; ours has nothing new to tell, the peer always tells the latest ${KNOWN}`, pulls),
    row('push of one episode until it is durable', pushes),
  ];
}

/** Until all others of the tenant have been told of something. */
async function told(both: Both, {audience, tellings}: Scale): Promise<readonly BenchRow[]> {
  const broadcasts: Pair = {ours: [], theirs: []};
  const pushes: Pair = {ours: [], theirs: []};
  const listeners = {
    theirs: await crowd(both.peer, 'crowd', audience),
    ours: await crowd(both.hub, 'crowd', audience),
  };
  for (let telling = 0; telling <= tellings; telling += 1) {
    for (const whose of ['theirs', 'ours'] as const) {
      const [author, ...rest] = listeners[whose];
      if (author === undefined) throw new Error('nobody has joined');
      const [broadcast, push] = [await lastTold(rest, () => author.tell()), await lastTold(rest, () => author.push())];
      if (telling === 0) continue;
      broadcasts[whose].push(broadcast);
      pushes[whose].push(push);
    }
  }
  for (const agent of [...listeners.ours, ...listeners.theirs]) agent.close();
  const last = `until the last of ${audience - 1} others has it`;
  return [
    row(`a message to everybody ${last}; of the peer a push, for it has no messages`, broadcasts),
    row(`push of one episode ${last}`, pushes),
  ];
}

async function lastTold(others: readonly DialectAgent[], tell: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  const all = others.map(
    other =>
      new Promise<void>(resolve => {
        other.onNews = resolve;
      }),
  );
  await Promise.all([tell(), ...all]);
  return performance.now() - startedMs;
}

/** Agents of one tenant, each pulling and then pushing every five seconds, all told everything; one hub after the other. */
async function together(scale: Scale): Promise<readonly BenchRow[]> {
  const theirs = await synced(await peerHub(), scale);
  const ours = await synced(await ourHub(), scale);
  const who = `${scale.agents.toLocaleString('en')} agents of one tenant, each pull, then push, every 5 s`;
  const asked = (scale.agents * 1000) / SYNC_EVERY_MS;
  const share = ({cpu, clients}: Synced) => `${percent(cpu)} of a core, its clients at ${percent(clients)}`;
  return [
    {
      what: `${who}: syncs done, of ${asked.toFixed(0)}/s`,
      ours: `${ours.perSecond.toFixed(0)}/s, the hub at ${share(ours)}`,
      anchor: `peer ${theirs.perSecond.toFixed(0)}/s, at ${share(theirs)}`,
      ratio: `${(ours.perSecond / theirs.perSecond).toFixed(1)}×`,
      target: '–',
      met: null,
    },
    row(`${who}: a sync, or how long it has waited at the end`, {ours: ours.ms, theirs: theirs.ms}),
  ];
}

interface Synced {
  readonly ms: readonly number[];
  readonly perSecond: number;
  /** Shares of a core: of the hub, and of this process, in which all agents are. */
  readonly cpu: number;
  readonly clients: number;
}

async function synced(running: Running, {agents: count, syncS}: Scale): Promise<Synced> {
  await using hub = running;
  const agents = await crowd(hub, 'sync', count);
  const cpuBefore = await hub.cpuSeconds();
  const clientsBefore = process.cpuUsage();
  const startedMs = performance.now();
  const endMs = startedMs + syncS * 1000;
  const ms: number[] = [];
  const waiting = new Map<DialectAgent, number>();
  const timers = new Set<NodeJS.Timeout>();
  let done = 0;
  const ended = new Promise<void>((resolve, reject) => {
    timers.add(setTimeout(resolve, syncS * 1000));
    const sync = async (agent: DialectAgent) => {
      const askedMs = performance.now();
      waiting.set(agent, askedMs);
      await agent.pull();
      await agent.push();
      const nowMs = performance.now();
      if (nowMs >= endMs) return;
      waiting.delete(agent);
      ms.push(nowMs - askedMs);
      done += 1;
      plan(agent, askedMs + SYNC_EVERY_MS - nowMs);
    };
    const plan = (agent: DialectAgent, inMs: number) => {
      timers.add(setTimeout(() => void sync(agent).catch(reject), inMs));
    };
    for (const [index, agent] of agents.entries()) plan(agent, (SYNC_EVERY_MS * index) / count);
  });
  await ended;
  for (const timer of timers) clearTimeout(timer);
  for (const agent of agents) agent.close();
  const seconds = (performance.now() - startedMs) / 1000;
  const {user, system} = process.cpuUsage(clientsBefore);
  const clients = (user + system) / 1e6 / seconds;
  const cpu = ((await hub.cpuSeconds()) - cpuBefore) / seconds;
  return {ms: [...ms, ...[...waiting.values()].map(askedMs => endMs - askedMs)], perSecond: done / syncS, cpu, clients};
}

async function crowd({url, dialect}: Running, tenant: string, count: number): Promise<readonly DialectAgent[]> {
  const agents: DialectAgent[] = [];
  while (agents.length < count) {
    const names = Array.from({length: Math.min(AT_ONCE, count - agents.length)}, (_, index) => agents.length + index);
    agents.push(
      ...(await Promise.all(
        names.map(name => DialectAgent.join(url, {dialect, tenant, agentId: `${tenant}-${name}`})),
      )),
    );
  }
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  return agents;
}

async function timed(calls: number, act: () => Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const startedMs = performance.now();
    await act();
    times.push(performance.now() - startedMs);
    // Else pings of a hub would wait for an answer until the end.
    await new Promise(resolve => setImmediate(resolve));
  }
  return times;
}

function row(what: string, {ours, theirs}: {ours: readonly number[]; theirs: readonly number[]}): BenchRow {
  return {
    what,
    ours: spread(ours),
    anchor: `peer ${spread(theirs)}`,
    ratio: `${(quantile(ours, 0.5) / quantile(theirs, 0.5)).toFixed(3)}×`,
    target: '–',
    met: null,
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function spread(times: readonly number[]): string {
  return `p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms`;
}

/** NaN when there are none. */
function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.table(await hubPeerBench.run(process.argv[2] === 'small' ? 'small' : 'full'));
}
