import type {Result} from '../../base/result.ts';
import type {EpisodeState, LogEntry, LogItem} from '../../model/episode.ts';

/** What the hub keeps, in the words of the domain. Every call is for one tenant and sees nothing of others. */
export interface HubStore {
  /** Which log all positions count in; another one after a backup was put back. */
  readonly log: string;
  /**
   * Appends what is new, in order; what is there already (by id) is answered with the position it has. Not durable before
   * `flush`: the caller groups the appends of many connections into one.
   */
  append(tenant: string, items: readonly LogItem[]): readonly AppendResult[];
  /** Makes everything appended so far durable (one commit that is on the disk), or gives it all up. */
  flush(): Result<void, HubStoreFailure>;
  /** Entries after `since`, oldest first, at most `limit` of them and about `maxBytes` of JSON, at least one if there is any. */
  pull(tenant: string, since: number, limit: number, maxBytes: number): PulledPage;
  get(tenant: string, episode: string): {entry: LogEntry; state: EpisodeState} | null;
  head(tenant: string): number;
  close(): void;
}

export interface PulledPage {
  readonly entries: readonly LogEntry[];
  readonly more: boolean;
  /** Positions of those whose entry is not what was written: a change that says nothing stands there, so that there is no gap. */
  readonly damaged?: readonly number[];
}

export type AppendResult =
  | {readonly id: string; readonly position: number; readonly isNew: boolean}
  | {readonly id: string; readonly refused: 'not-found' | 'storage-full'; readonly message: string};

/** full: no room on the disk; what was appended is not kept, and may be tried again. broken: the file cannot be trusted. */
export type HubStoreFailure =
  | {readonly kind: 'full'; readonly detail: string}
  | {readonly kind: 'broken'; readonly detail: string};
