import type {Random} from '../../src/base/random.ts';
import {formatStamp} from '../../src/hub/replica/hybrid-clock.ts';
import type {Episode} from '../../src/model/episode.ts';
import type {HubFrame} from '../../src/wire/hub-protocol.ts';
import {episode, pushOf, type RawClient} from '../hub/server/hub-rig.ts';
import type {SiegeLedger} from './siege-ledger.ts';

/** Pushes of one writer that are on their way at the same time. */
const IN_FLIGHT = 3;
const MOST_IN_BATCH = 12;
/** Every so many pulls a reader searches. */
const SEARCH_EVERY = 20;
const PAGE = 200;

type Join = (url: string, token: string) => Promise<RawClient>;

interface Given {
  readonly token: string;
  readonly join: Join;
  readonly ledger: SiegeLedger;
}

/** Pushes singles and batches, several on their way at once; what was not answered is pushed again over the next connection. */
export class RawWriter {
  readonly #given: Given & {readonly agentId: string; readonly random: Random};
  readonly #open = new Map<number, {readonly batch: readonly Episode[]; readonly again: boolean}>();

  constructor(given: Given & {readonly agentId: string; readonly random: Random}) {
    this.#given = given;
  }

  /** Until the connection is lost. */
  async work(url: string): Promise<void> {
    const {token, join, ledger} = this.#given;
    const client = await join(url, token).catch(() => null);
    if (client === null) return;
    const unsure = [...this.#open.values()].map(({batch}) => batch);
    this.#open.clear();
    // Nothing up to here can have been pushed over this connection.
    const {head} = client;
    const ended = follow(client, frame => {
      ledger.frame();
      if (frame.type === 'error') throw new Error(JSON.stringify(frame));
      if (frame.type !== 'pushed') return;
      const pushed = this.#open.get(frame.id);
      if (pushed === undefined) throw new Error(`an answer to nothing: ${JSON.stringify(frame)}`);
      this.#open.delete(frame.id);
      ledger.answered(frame.results, {again: pushed.again, head});
      if (this.#open.size < IN_FLIGHT) this.#push(client, this.#batch(), false);
    });
    for (const batch of unsure) this.#push(client, batch, true);
    while (this.#open.size < IN_FLIGHT) this.#push(client, this.#batch(), false);
    await ended;
  }

  #push(client: RawClient, batch: readonly Episode[], again: boolean): void {
    this.#open.set(client.request(pushOf(...batch)), {batch, again});
    this.#given.ledger.frame();
  }

  #batch(): readonly Episode[] {
    const {agentId, random} = this.#given;
    const count = random() < 0.5 ? 1 : 1 + Math.floor(random() * MOST_IN_BATCH);
    const at = formatStamp({ms: Date.now(), counter: 0, node: agentId});
    return Array.from({length: count}, () => episode(agentId, {at, output: 'x'.repeat(Math.floor(random() * 400))}));
  }
}

/** Pulls what is new, from where it has got to in its whole life, and searches now and then. */
export class RawReader {
  readonly #given: Given;
  #position = 0;
  #pulls = 0;

  constructor(given: Given) {
    this.#given = given;
  }

  async work(url: string): Promise<void> {
    const {token, join, ledger} = this.#given;
    const client = await join(url, token).catch(() => null);
    if (client === null) return;
    const pull = () => client.request({type: 'pull', since: this.#position, limit: PAGE});
    const ended = follow(client, frame => {
      ledger.frame();
      if (frame.type === 'error') throw new Error(JSON.stringify(frame));
      if (frame.type === 'recalled') pull();
      if (frame.type !== 'entries') return;
      ledger.shown(frame.entries, this.#position);
      this.#position += frame.entries.length;
      this.#pulls += 1;
      if (this.#pulls % SEARCH_EVERY === 0) client.request({type: 'recall', query: 'make tests pass', k: 5});
      else pull();
    });
    pull();
    await ended;
  }
}

/** Gives each frame that comes to `take`; resolves when the connection is lost, rejects with what `take` throws. */
async function follow(client: RawClient, take: (frame: HubFrame) => void): Promise<void> {
  const {webSocket} = client;
  if (client.closed !== null) return;
  await new Promise<void>((resolve, reject) => {
    webSocket.on('close', () => resolve());
    webSocket.on('message', () => {
      try {
        for (const frame of client.frames.splice(0)) take(frame);
      } catch (error) {
        webSocket.terminate();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
