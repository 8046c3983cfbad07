import type {Alarms} from './alarms.ts';
import type {HubAdapter} from './hub-adapter.ts';

const SYNC_MS = 5000;
/** However often a hub would have it. */
export const LEAST_SYNC_MS = 10;

/** Syncs again and again: as often as its owner says, else as the hub does, else every 5 s. */
export class SyncPlan {
  readonly #alarms: Alarms;
  readonly #own: number | undefined;
  readonly #sync: () => Promise<void>;
  #unlisten: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  #everyMs: number;
  #isOver = false;

  constructor(given: {alarms: Alarms; own: number | undefined; sync: () => Promise<void>}) {
    this.#alarms = given.alarms;
    this.#own = given.own;
    this.#sync = given.sync;
    this.#everyMs = given.own ?? SYNC_MS;
  }

  begin(adapter: HubAdapter): void {
    this.#unlisten = adapter.listen(event => {
      if (event.kind === 'up') this.#obey(event.welcome.syncIntervalMs);
    });
    // Agents that were spawned together do not sync together.
    this.#plan(Math.random());
    this.#obey(adapter.welcome?.syncIntervalMs);
  }

  stop(): void {
    this.#isOver = true;
    this.#unlisten();
    this.#cancel();
  }

  #obey(everyMs = SYNC_MS): void {
    if (this.#own !== undefined || this.#isOver || everyMs === this.#everyMs) return;
    this.#everyMs = Math.max(LEAST_SYNC_MS, everyMs);
    this.#plan(Math.random());
  }

  #plan(share: number): void {
    this.#cancel();
    this.#cancel = this.#alarms.after(this.#everyMs * share, () => {
      void this.#sync().finally(() => {
        if (!this.#isOver) this.#plan(1);
      });
    });
  }
}
