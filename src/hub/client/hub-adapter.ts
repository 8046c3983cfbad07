import type {EpisodeState, LogEntry, LogItem, Memory} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage, HubRole, PresenceNote, RecallRule} from '../../model/hub.ts';
import type {HubStats, PushResult} from '../../wire/hub-protocol.ts';
import type {HubError} from './hub-error.ts';

/**
 * What the library needs of a hub: the WebSocket hub is one, `InProcessHub` another. An adapter is for one agent, keeps its connection
 * by itself once `connect` was called, and says by events when it is up and down. Every request rejects with a HubError: `not-connected`
 * while it is down, `timed-out` when no answer comes, or the hub's own code.
 */
export interface HubAdapter {
  readonly isConnected: boolean;
  /** Of the connection that is up; null: it is down. */
  readonly welcome: HubWelcome | null;
  /**
   * Begins to connect, or goes on with it, and resolves when it is up. Rejects when it is given up for good, when the signal is
   * aborted and after `deadlineMs` (then with the reason that it is not up, and goes on trying).
   */
  connect(options?: {readonly deadlineMs?: number; readonly signal?: AbortSignal | undefined}): Promise<HubWelcome>;
  /** Resolves when the items are durable at the hub, with one result for each. */
  push(items: readonly LogItem[]): Promise<readonly PushResult[]>;
  pull(since: number, limit: number): Promise<HubPage>;
  /** Not every hub searches. */
  recall?(query: HubQuery): Promise<readonly Memory[]>;
  /** One episode with what its changes amount to; of a forgotten one, the change that forgot it. Null: it was never there. */
  get?(episode: string): Promise<HubEpisode | null>;
  /**
   * Of these episodes (1 to 100), in their order; null: it is not there, or was forgotten. At least one; where it does not tell of all, the others are to
   * be asked for again. Null: this hub does not know the request.
   */
  states?(episodes: readonly string[]): Promise<readonly (EpisodeState | null)[] | null>;
  /** Of our tenant, but for the number of tenants and what is of the whole process. */
  stats?(): Promise<HubStats>;
  /** Remembered, and said again after each reconnect. */
  setPresence(note: PresenceNote): Promise<void>;
  /** Remembered, and said again after each reconnect. */
  subscribe(subscription: Subscription): Promise<void>;
  who(): Promise<readonly ActiveAgent[]>;
  /** Not every hub has shared documents. Whoever asks about one is told what others change in it from then on. */
  document?(request: DocumentRequest): Promise<DocumentAnswer>;
  send(message: OutgoingMessage): Promise<void>;
  /** These have been taken in, and need not be delivered again. Does nothing while it is down. */
  received(messages: readonly string[]): void;
  /**
   * Answers how to stop listening. Messages are told to those only who ask for them; what came before anybody did is told to the
   * first who does, a little later.
   */
  listen(listener: HubListener, options?: {readonly messages?: boolean}): () => void;
  /** Says goodbye, and connects no more. Closing twice is the same as closing once. */
  close(): Promise<void>;
}

/** As whom an adapter is to connect. */
export interface HubMember {
  readonly agentId: string;
  readonly tenantId: string;
  readonly sessionId: string | null;
}

export interface HubWelcome {
  readonly agentId: string;
  readonly tenantId: string;
  readonly role: HubRole;
  /** Of this connection. */
  readonly epoch: string;
  /** The last position of the tenant's log. */
  readonly head: number;
  /** Which log positions count in; without it, positions are trusted. */
  readonly log?: string | undefined;
  /** How often to sync, in milliseconds, for whom nobody else says it. */
  readonly syncIntervalMs?: number | undefined;
  /** What is not to be recalled from the cache either; without it, that is as it was. */
  readonly recall?: RecallRule | undefined;
}

export interface HubPage {
  readonly entries: readonly LogEntry[];
  readonly head: number;
  readonly more: boolean;
  /** What is not to be recalled from the cache from now on; without it, that is as it was. */
  readonly recall?: RecallRule | undefined;
}

export interface HubEpisode {
  readonly entry: LogEntry;
  readonly state: EpisodeState;
}

export interface HubQuery {
  readonly query: string;
  readonly k: number;
  readonly tags?: readonly string[];
  readonly onlySuccess?: boolean;
  readonly explain?: boolean;
}

/** `vector`: what is known here, to be told what is not. `update`: what others may lack. Both as Yjs encodes them, v1. */
export interface DocumentRequest {
  readonly document: string;
  readonly vector: Uint8Array | null;
  readonly update: Uint8Array | null;
  /** Whether we take no part in it any more; then `vector` and `update` are null. */
  readonly leave?: true;
}

/** `vector`: what the hub knows; null: it does not say. `update`: what was asked for; null: there is nothing. */
export interface DocumentAnswer {
  readonly vector: Uint8Array | null;
  readonly update: Uint8Array | null;
}

/** news: log entries as they come. topics: messages to everybody that name one of them. */
export interface Subscription {
  readonly news: boolean;
  readonly topics: readonly string[];
  /** Who comes and goes; true unless said. */
  readonly presence?: boolean;
}

export type OutgoingMessage = Omit<HubMessage, 'from' | 'sentAtMs'>;

export type LeftWhy = 'left' | 'lost' | 'replaced';

export type HubAdapterEvent =
  | {readonly kind: 'up'; readonly welcome: HubWelcome}
  /** It connects again by itself. */
  | {readonly kind: 'down'; readonly error: HubError}
  /** It does not connect again: trying it as it is would not help. */
  | {readonly kind: 'given-up'; readonly error: HubError}
  /** `entries` is empty where it is to be pulled instead. */
  | {
      readonly kind: 'news';
      readonly entries: readonly LogEntry[];
      readonly head: number;
      /** As of a page. */
      readonly recall?: RecallRule | undefined;
    }
  | {
      readonly kind: 'presence';
      readonly joined: readonly ActiveAgent[];
      readonly changed: readonly ActiveAgent[];
      readonly left: readonly {readonly agentId: string; readonly why: LeftWhy}[];
    }
  | {readonly kind: 'message'; readonly message: HubMessage}
  /** Somebody has changed a document. `update` is null where we were too slow to be told: it is to be asked for again. */
  | {readonly kind: 'document'; readonly document: string; readonly update: Uint8Array | null}
  /** The hub says that something was not done that nobody asked for, such as telling a message in time. */
  | {readonly kind: 'warning'; readonly error: HubError};

/** Must not throw. */
export type HubListener = (event: HubAdapterEvent) => void;
