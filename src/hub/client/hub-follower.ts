import type {HubAdapter} from './hub-adapter.ts';

/** What follows a connection beside the cache. */
export interface HubFollower {
  /** It is there, from now on. */
  attach(adapter: HubAdapter): void;
  /** It is about to go: resolves when all was told that can be, after `ms` at most. */
  settle(ms: number): Promise<void>;
  /** It has gone, and may come back. */
  detach(): void;
  /** It does not come back. */
  closeAll(): void;
}
