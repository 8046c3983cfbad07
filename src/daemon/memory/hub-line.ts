import {backoffMs} from '../../base/backoff.ts';
import {PROCESS_ALARMS} from '../../hub/client/alarms.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import {HubReplica} from '../../hub/client/hub-replica.ts';
import type {CacheUser, EpisodeCache} from '../../hub/client/store/episode-cache.ts';
import {failureText} from '../../model/failure-text.ts';
import {failureOf} from '../../model/failure.ts';
import type {Log} from '../log.ts';
import {within} from '../../hub/client/within.ts';
import type {HubSource} from './hub-source.ts';

export interface HubLineOptions {
  readonly source: HubSource;
  readonly tenantId: string;
  readonly cache: EpisodeCache;
  /** What it has stored is what is pushed. */
  readonly user: CacheUser;
  readonly log: Log;
}

/** Why a hub cannot be had at present. */
export interface HubTrouble {
  /** As a sentence. */
  readonly text: string;
  /** Another token would mend it. */
  readonly isToken: boolean;
  /** Unix epoch, milliseconds. */
  readonly sinceMs: number;
}

const TOKEN_CODES: ReadonlySet<string> = new Set(['token-invalid', 'token-expired', 'token-revoked']);
/** What is learned in so many milliseconds goes to the hub together. */
const PUSH_MS = 100;
/** Between two tries to find the hub, and after it has refused us. */
const BACKOFF = {baseMs: 500, maxMs: 60_000};
const REPLACED_BACKOFF = {baseMs: 60_000, maxMs: 600_000};
/** A connection that has held for so long is a good one. */
const SETTLED_MS = 10_000;
/** How long the last push may take when it closes. */
const LAST_PUSH_MS = 2000;

/** A cache's connection to its hub, wherever that is at present. The daemon never waits for it: what cannot be sent stays in the cache. */
export class HubLine {
  readonly #options: HubLineOptions;
  #hub: HubReplica | null = null;
  #url: string | null = null;
  #unlisten: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #pushing: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #finding: Promise<void> = Promise.resolve();
  #failures = 0;
  #trouble: HubTrouble | null = null;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: HubLineOptions) {
    this.#options = options;
  }

  /** Why it cannot be had at present; null: nothing speaks against it. */
  get trouble(): HubTrouble | null {
    return this.#trouble;
  }

  /** Null: it has not been found yet. */
  get hub(): HubReplica | null {
    return this.#hub;
  }

  /** Begins to look for it; the second time does nothing. */
  open(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#unlisten = this.#options.source.onMoved(url => this.#connect(url));
    this.#finding = this.#find();
  }

  /** Resolves once it is connected, or when it cannot be had at present, or after so many milliseconds. */
  async reach(ms: number): Promise<void> {
    const untilMs = PROCESS_ALARMS.nowMs() + ms;
    const why = () => new HubError('timed-out', 'The hub was not found in time');
    try {
      await within(this.#finding, {ms, alarms: PROCESS_ALARMS, why});
      await this.#hub?.connect({deadlineMs: Math.max(0, untilMs - PROCESS_ALARMS.nowMs())});
    } catch (error) {
      // What is here is what there is; `trouble` says why.
      if (!(error instanceof HubError)) throw error;
    }
  }

  /** What was stored is sent before long. */
  pushSoon(): void {
    if (this.#state !== 'open') return;
    this.#pushing ??= setTimeout(() => {
      this.#pushing = undefined;
      void this.#hub?.syncQuietly();
    }, PUSH_MS).unref();
  }

  /** Sends what it can within two seconds, and goes. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#unlisten();
    clearTimeout(this.#timer);
    clearTimeout(this.#pushing);
    clearTimeout(this.#settling);
    const hub = this.#hub;
    this.#hub = null;
    if (hub === null) return;
    // What is not sent waits in the file for the next daemon.
    if (hub.isConnected()) await hub.sync({deadlineMs: LAST_PUSH_MS}).catch(() => undefined);
    await hub.close().catch(() => undefined);
  }

  async #find(): Promise<void> {
    try {
      this.#connect(await this.#options.source.find());
    } catch (error) {
      this.#again(error, 'the hub cannot be had; what is learned stays in the project');
    }
  }

  /** Said for the first time only, until it has been up for a while. */
  #again(error: unknown, what: string): void {
    if (this.#state !== 'open') return;
    if (this.#failures === 0) this.#options.log.warn({error: failureOf(error)}, what);
    this.#failures += 1;
    const text = failureText(failureOf(error));
    const isToken = error instanceof HubError && TOKEN_CODES.has(error.code);
    this.#trouble = {text, isToken, sinceMs: this.#trouble?.sinceMs ?? Date.now()};
    clearTimeout(this.#timer);
    const isReplaced = error instanceof HubError && error.code === 'replaced';
    // Somebody else has our token, and would be replaced in turn.
    const waitMs = backoffMs(this.#failures, isReplaced ? REPLACED_BACKOFF : BACKOFF, Math.random);
    this.#timer = setTimeout(() => void this.#find(), waitMs).unref();
  }

  #onUp(): void {
    this.#trouble = null;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#failures = 0;
    }, SETTLED_MS).unref();
  }

  #connect(url: string): void {
    if (this.#state !== 'open' || (url === this.#url && this.#hub !== null)) return;
    void this.#hub?.close().catch(() => undefined);
    this.#hub = null;
    this.#url = url;
    const {source, tenantId, cache, user} = this.#options;
    try {
      const hub = new HubReplica({
        endpoint: url,
        agentId: source.agentId,
        tenantId,
        token: () => source.token(),
        cache,
        user,
        ownsLog: source.ownsLog,
        ...source.certificates,
      });
      this.#hub = hub;
      hub.begin().listen(event => {
        if (this.#hub !== hub) return;
        if (event.kind === 'up') this.#onUp();
        if (event.kind === 'down' || event.kind === 'given-up') clearTimeout(this.#settling);
        if (event.kind !== 'given-up') return;
        void hub.close().catch(() => undefined);
        this.#hub = null;
        this.#again(event.error, 'the hub refuses us; what is learned stays in the project');
      });
    } catch (error) {
      this.#again(error, 'the hub cannot be used; what is learned stays in the project');
    }
  }
}
