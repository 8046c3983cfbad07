import type {Episode} from './episode.ts';

/** Whether the tasks of a team are given what others have learned, and leave what they learn themselves. */
export const MEMORY_MODES = ['on', 'off'] as const;
export type MemoryMode = (typeof MEMORY_MODES)[number];

/** A hub that somebody else runs. */
export interface RemoteHub {
  /** `wss://host:port`, or `ws://host:port` on this machine. */
  readonly url: string;
  readonly tenantId: string;
  /** Read for each connection, so that the token can be renewed. Absolute, as the others. */
  readonly tokenFile: string;
  /** PEM files; see `CertificatePaths` of the hub's client. */
  readonly caPath?: string;
  readonly certPath?: string;
  readonly keyPath?: string;
}

/** What an attempt is given of one episode, each part cut to what is worth reading. */
export type GivenMemory = Pick<
  Episode,
  'id' | 'task' | 'input' | 'output' | 'critique' | 'reward' | 'success' | 'tags'
>;

/** What all memories of one attempt take at most, as JSON in bytes. */
export const MAX_MEMORIES_BYTES = 16 * 1024;
