import {mkdirSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {failureText} from '../../../model/failure-text.ts';
import {failureOf} from '../../../model/failure.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';

export interface BackupPlan {
  /** Between two backups, in milliseconds. */
  readonly everyMs: number;
  /** Made when it is not there. */
  readonly folder: string;
  /** As many of the latest are kept; default: 7. */
  readonly keep?: number;
}

const NAME = /^hub-\d{4}-\d\d-\d\dT[\d-]+Z\.db$/;

/** Makes backups while the hub goes on, each verified before it gets its name, and removes those that are too many. */
export class Backups {
  readonly #plan: BackupPlan;
  readonly #store: Pick<SqliteHubStore, 'backup'>;
  readonly #onEvent: (event: HubEvent) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;

  /** Throws RangeError on a plan that is none. */
  constructor(plan: BackupPlan, store: Pick<SqliteHubStore, 'backup'>, onEvent: (event: HubEvent) => void) {
    const {everyMs, keep = 1} = plan;
    if (!(everyMs >= 1000 && everyMs <= 2 ** 31 - 1)) {
      throw new RangeError(`backups.everyMs is ${everyMs}; expected 1000 (a second) to 2147483647 (24 days)`);
    }
    if (!Number.isSafeInteger(keep) || keep < 1) throw new RangeError(`backups.keep is ${keep}; expected at least 1`);
    this.#plan = plan;
    this.#store = store;
    this.#onEvent = onEvent;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), this.#plan.everyMs).unref();
  }

  /** Resolves when a backup that is being made is there. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Makes one now, unless one is being made. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const {folder, keep = 7} = this.#plan;
    try {
      mkdirSync(folder, {recursive: true, mode: 0o700});
      const file = backupFile(folder, Date.now());
      const made = await this.#store.backup(file, 'hub');
      if (!made.ok) {
        return this.#onEvent({kind: 'upkeep-failed', what: 'backup', detail: failureText(made.failure)});
      }
      this.#onEvent({kind: 'backed-up', file});
      // Names sort by time.
      const names = readdirSync(folder).filter(name => NAME.test(name));
      for (const name of names.toSorted().slice(0, -keep)) rmSync(join(folder, name), {force: true});
    } catch (error) {
      this.#onEvent({kind: 'upkeep-failed', what: 'backup', detail: failureText(failureOf(error))});
    }
  }
}

/** `hub-2026-01-31T12-00-00-000Z.db`. */
function backupFile(folder: string, nowMs: number): string {
  return join(folder, `hub-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')}.db`);
}
