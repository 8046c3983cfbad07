import {join as joinPath} from 'node:path';
import {createServer} from 'node:net';
import {once} from 'node:events';
import {sleep} from '../../src/base/clock.ts';
import {type Random, seededRandom} from '../../src/base/random.ts';
import {EphemeralAgent} from '../../src/hub/client/ephemeral-agent.ts';
import {FederationHub} from '../../src/hub/client/federation-hub.ts';
import {HubKeys} from '../../src/hub/process/hub-keys.ts';
import {ServedHubRig, type Served} from '../hub/process/served-hub.ts';
import {until} from '../rig/until.ts';
import {SiegeLedger} from './siege-ledger.ts';
import {RawReader, RawWriter} from './siege-clients.ts';

const WRITERS = 6;
const READERS = 2;
const SYNCING = 2;
/** One start in so many is killed as well. */
const STARTS = 8;
const STARTING_MS = 600;
const MOST_FRAMES = 200;
const MOST_DELAY_MS = 8;
const RESUME_MS = 60_000;
const TOKENS_MS = 86_400_000;
/** Below what the kernel gives to clients, so that none of them has the port while the hub is away. */
const PORTS = {from: 20_000, count: 10_000};

export interface SiegeReport {
  /** How often the hub was killed with SIGKILL. */
  readonly kills: number;
  /** Of these: before it listened again. */
  readonly whileStarting: number;
  readonly entries: number;
  readonly acknowledged: number;
  /** Pushed again since no answer had come, and known to the hub already. */
  readonly keptUnanswered: number;
  /** How often a client with the library had to go on by itself, and did. */
  readonly resumed: number;
  /** Milliseconds from the start of the process until it listens. */
  readonly slowestStartMs: number;
}

/**
 * Kills `godel hub serve` with SIGKILL at random points while raw clients push, in singles and batches with several on their way, and pull,
 * and clients with the library store and sync. After each restart the whole log is read: throws when anything that was acknowledged or
 * shown is not where it was, when anything is there twice, at a gap, and when a client of the library does not go on by itself.
 */
export async function hubSiege({
  kills,
  seed,
  onKill = () => undefined,
}: {
  kills: number;
  seed: number;
  onKill?: (done: number, ledger: SiegeLedger) => void;
}): Promise<SiegeReport> {
  await using siege = await Siege.begin(seed);
  while (siege.kills < kills) {
    await siege.round(kills);
    onKill(siege.kills, siege.ledger);
  }
  return await siege.end();
}

class Siege implements AsyncDisposable {
  readonly ledger = new SiegeLedger();
  readonly #rig: ServedHubRig;
  readonly #random: Random;
  readonly #port: number;
  readonly #writers: RawWriter[] = [];
  readonly #readers: RawReader[] = [];
  readonly #syncing: Syncing[] = [];
  #agent: EphemeralAgent | null = null;
  #checker = '';
  #served: Served;
  #kills = 0;
  #whileStarting = 0;
  #resumed = 0;
  #slowestStartMs = 0;

  private constructor(seed: number, port: number, served: Served, rig: ServedHubRig) {
    this.#random = seededRandom(seed);
    this.#port = port;
    this.#served = served;
    this.#rig = rig;
  }

  static async begin(seed: number): Promise<Siege> {
    const rig = new ServedHubRig();
    try {
      const port = await freePort();
      const siege = new Siege(seed, port, await rig.serve('--port', String(port)), rig);
      await siege.#gather();
      return siege;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  get kills(): number {
    return this.#kills;
  }

  /** Load, kill, restart, and a look at everything. */
  async round(most: number): Promise<void> {
    const {url} = this.#served;
    const working = [...this.#writers, ...this.#readers].map(client => client.work(url));
    const agent = this.#expectAgent();
    for (let stored = 0; stored < 3; stored += 1) this.ledger.stored(await agent.storeEpisode(lesson('by the agent')));
    const lost = Promise.all(working).then(() =>
      Promise.reject(new Error('everybody lost the hub before it was killed')),
    );
    await Promise.race([this.ledger.afterFrames(1 + this.#below(MOST_FRAMES)), lost]);
    lost.catch(() => undefined);
    await sleep(this.#below(MOST_DELAY_MS));
    await this.#kill();
    await Promise.all(working);
    while (this.#kills < most && this.#below(STARTS) === 0) await this.#killStarting();
    const startedMs = performance.now();
    this.#served = await this.#rig.serve('--port', String(this.#port));
    this.#slowestStartMs = Math.max(this.#slowestStartMs, performance.now() - startedMs);
    await this.#look();
    await this.#resume();
  }

  async end(): Promise<SiegeReport> {
    for (const each of this.#syncing) await each.stop();
    const agent = this.#expectAgent();
    const {unsynced, error} = await agent.destroy();
    if (unsynced > 0) throw new Error(`the agent ended with ${unsynced} that the hub has not: ${String(error)}`);
    this.ledger.allStoredAreSynced();
    await this.#endServed();
    // Once more, from a hub that writes nothing by itself.
    this.#served = await this.#rig.serve('--port', String(this.#port), '--merge', 'off');
    const entries = await this.#look();
    await this.#endServed();
    const verified = JSON.stringify(await this.#rig.json('verify'));
    if (!verified.includes('"findings":[]') || !verified.includes(`"entries":${entries}`)) {
      throw new Error(`${entries} entries were pulled, and: ${verified}`);
    }
    return {
      kills: this.#kills,
      whileStarting: this.#whileStarting,
      entries,
      acknowledged: this.ledger.acknowledged,
      keptUnanswered: this.ledger.keptUnanswered,
      resumed: this.#resumed,
      slowestStartMs: Math.round(this.#slowestStartMs),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#syncing.map(each => each.stop()));
    await this.#agent?.destroy();
    await this.#rig[Symbol.asyncDispose]();
  }

  async #gather(): Promise<void> {
    const {url} = this.#served;
    const keys = new HubKeys(joinPath(this.#rig.folder, 'hub-memory.db'));
    const token = async (agentId: string) =>
      (await keys.createToken({agentId, tenantId: 't1', role: 'worker', lifetimeMs: TOKENS_MS})).token;
    const join = (to: string, held: string) => this.#rig.join(to, held);
    this.#checker = await token('checker');
    for (let index = 0; index < WRITERS; index += 1) {
      const agentId = `writer-${index}`;
      const given = {agentId, token: await token(agentId), join, ledger: this.ledger};
      this.#writers.push(new RawWriter({...given, random: seededRandom(this.#below(2 ** 31))}));
    }
    for (let index = 0; index < READERS; index += 1) {
      this.#readers.push(new RawReader({token: await token(`reader-${index}`), join, ledger: this.ledger}));
    }
    for (let index = 0; index < SYNCING; index += 1) {
      const agentId = `syncing-${index}`;
      const hub = new FederationHub({endpoint: url, agentId, tenantId: 't1', token: await token(agentId)});
      this.#syncing.push(new Syncing(hub, this.ledger));
    }
    this.#agent = await EphemeralAgent.spawn({
      agentId: 'agent',
      tenantId: 't1',
      hubEndpoint: url,
      token: await token('agent'),
      memoryPath: joinPath(this.#rig.folder, 'agent.db'),
      lifetime: 86_400,
      syncInterval: 100,
      finalSyncMs: RESUME_MS,
    });
  }

  async #endServed(): Promise<void> {
    this.#served.child.kill('SIGINT');
    const {code, stderr} = await this.#served.ended;
    if (code !== 0) throw new Error(`the hub ended with ${String(code)}: ${stderr}`);
  }

  async #kill(): Promise<void> {
    this.#served.child.kill('SIGKILL');
    await this.#served.ended;
    this.#kills += 1;
  }

  async #killStarting(): Promise<void> {
    const starting = this.#rig.begin('--port', String(this.#port));
    await sleep(this.#below(STARTING_MS));
    starting.child.kill('SIGKILL');
    await starting.ended;
    this.#kills += 1;
    this.#whileStarting += 1;
  }

  /** How many entries there are. */
  async #look(): Promise<number> {
    const promised = this.ledger.promised();
    const client = await this.#rig.join(this.#served.url, this.#checker);
    try {
      return await this.ledger.compare(promised, since => client.ask('entries', {type: 'pull', since, limit: 1000}));
    } finally {
      client.webSocket.terminate();
    }
  }

  /** Clients with the library were told nothing: they have noticed by themselves, and have what they stored at the hub again. */
  async #resume(): Promise<void> {
    const before = this.#syncing.map(({syncs}) => syncs);
    const {hub} = this.#expectAgent();
    await Promise.all([
      ...this.#syncing.map((each, index) =>
        // Two: the first may have been answered by the hub before this one.
        until('a client syncs again', () => each.hasSynced((before[index] ?? 0) + 2), {withinMs: RESUME_MS}),
      ),
      until(
        'the agent is connected again and has nothing left to push',
        () => {
          const stats = hub?.getSyncStats();
          return stats?.connected === true && stats.pending === 0;
        },
        {withinMs: RESUME_MS},
      ),
    ]);
    this.ledger.allStoredAreSynced();
    this.#resumed += this.#syncing.length + 1;
  }

  #expectAgent(): EphemeralAgent {
    if (this.#agent === null) throw new Error('nobody was gathered');
    return this.#agent;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** A client of the library that stores and syncs for ever, and is told nothing of what becomes of the hub. */
class Syncing {
  syncs = 0;
  readonly #hub: FederationHub;
  readonly #working: Promise<void>;
  #failure: unknown = null;
  #isStopped = false;

  constructor(hub: FederationHub, ledger: SiegeLedger) {
    this.#hub = hub;
    this.#working = this.#work(ledger).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Throws what went wrong. */
  hasSynced(times: number): boolean {
    if (this.#failure !== null) throw new Error('a client of the library has failed', {cause: this.#failure});
    return this.syncs >= times;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
    await this.#hub.close();
  }

  async #work(ledger: SiegeLedger): Promise<void> {
    while (!this.#isStopped) {
      const ids: string[] = [];
      for (let stored = 0; stored <= this.syncs % 5; stored += 1) {
        ids.push(await this.#hub.db.storeEpisode(lesson('by the library')));
      }
      await this.#hub.sync({deadlineMs: RESUME_MS});
      for (const id of ids) ledger.synced(id);
      this.syncs += 1;
      await sleep(10);
    }
  }
}

function lesson(task: string) {
  return {task, input: 'red', output: 'green', reward: 1};
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * PORTS.count);
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
