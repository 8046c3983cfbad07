import type {Result} from '../../base/result.ts';
import type {LogEntry, LogItem, Memory} from '../../model/episode.ts';
import type {HubIdentity, HubRole, RecallRule} from '../../model/hub.ts';
import type {ClientFrame, HubErrorCode} from '../../wire/hub-protocol.ts';
import type {Speaker} from '../security/delegation.ts';
import type {HubAction} from '../security/permissions.ts';
import type {HubLimits} from './hub-limits.ts';
import type {HubStore} from './hub-store.ts';
import type {MailKeeper} from './mailboxes.ts';

/** What a hub is made of. */
export interface HubParts {
  readonly store: HubStore;
  readonly totals: HubTotals;
  readonly auth: HubAuth;
  readonly permits: (role: HubRole, action: HubAction) => boolean;
  /** Null: this hub stores and tells, but does not search. */
  readonly recall: HubRecall | null;
  /** Told in the welcome, and again when it has changed. */
  readonly recallRule: (tenant: string) => RecallRule;
  readonly documents: Documents;
  /** Null: this hub keeps no keys of agents. */
  readonly keys: AgentKeyBook | null;
  /** Where direct messages outlive the hub; null: nowhere. */
  readonly mail: MailKeeper | null;
  readonly limits: HubLimits;
  /** How often clients are to sync, in milliseconds; told in the welcome. */
  readonly syncIntervalMs: number;
  /** Unix epoch, milliseconds. */
  readonly wallMs: () => number;
  /** Whether an agent has been here before this start of the hub. */
  readonly isKnown: (tenant: string, agentId: string) => boolean;
  /** Asked of each pushed item after all other checks: why it is not taken, or null. */
  readonly vet: (identity: HubIdentity, item: LogItem) => Refusal | null;
  /** What an agent has pushed in this turn of the event loop, before the commit that makes it durable. */
  readonly onPushed: (by: HubIdentity, pushed: Pushed) => void;
  readonly onEvent: (event: HubEvent) => void;
}

/** What was new of one agent's pushes, in the order of positions. */
export interface Pushed {
  readonly pushes: number;
  readonly items: readonly LogItem[];
  /** Positions of the first and the last; others' may lie between them. */
  readonly from: number;
  readonly to: number;
}

/** Says who somebody is. */
export interface HubAuth {
  /** `certificate`: DER of the client certificate that TLS has verified; null: there is none. */
  verify(token: string, certificate: Uint8Array | null): Promise<Result<HubIdentity, AuthFailure>>;
  /** Asked about once a second of everybody connected, with an identity that `verify` has given: whether it still holds. */
  recheck(identity: HubIdentity): Result<HubIdentity, AuthFailure>;
}

export interface AuthFailure {
  readonly code: 'token-invalid' | 'token-expired' | 'token-revoked' | 'forbidden' | 'unavailable';
  readonly message: string;
}

/** Why something was not done; `retryAfterMs` null: trying it again as it is does not help. */
export interface Refusal {
  readonly code: HubErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export interface RecallQuery {
  readonly query: string;
  readonly k: number;
  readonly tags?: readonly string[] | undefined;
  readonly onlySuccess?: boolean | undefined;
  readonly explain?: boolean | undefined;
  /** Who asks; what is its own is found whatever others say of it. null: nobody in particular. */
  readonly by: Speaker | null;
}

export interface HubRecall {
  /** The best of the tenant, best first. */
  recall(tenant: string, query: RecallQuery): Promise<readonly Memory[]>;
  /** Entries that have just become durable, in the order of their positions. */
  added(tenant: string, entries: readonly LogEntry[]): void;
  /** Episodes whose vectors are still to be made; null: of all tenants. */
  unembedded(tenant: string | null): number;
  /** Entries of all tenants whose text is still to be made searchable. */
  unsearchable(): number;
}

/** Counts over the whole store; null: of all tenants. */
export interface HubTotals {
  episodes(tenant: string | null): number;
  tenants(): number;
}

export type KeyFrame = Extract<ClientFrame, {type: 'key'}>;

/** The public keys that agents sign with. */
export interface AgentKeyBook {
  /** Keeps a key with the next commit of the store; why not, or null. Who asks may do it: see `keyAction`. */
  claim(identity: HubIdentity, frame: KeyFrame): Refusal | null;
  /** The commit failed: it is not kept. */
  undone(identity: HubIdentity, frame: KeyFrame): void;
}

/** Documents that agents of a tenant edit together; updates and vectors are base64. */
export interface Documents {
  /** The hub's state vector, and the updates the client with this vector lacks. */
  join(tenant: string, document: string, vector: string | null): Result<DocumentState, Refusal>;
  /** The hub's state vector; null: it keeps none. */
  vector(tenant: string, document: string): Result<string | null, Refusal>;
  /** Takes in an update. False: it said nothing new, and nobody needs to be told. */
  update(tenant: string, document: string, update: string): Result<boolean, Refusal>;
}

export interface DocumentState {
  readonly vector: string | null;
  readonly updates: readonly string[];
}

/** For the audit log, the history of sessions and the log of the hub. */
export type HubEvent =
  | {
      readonly kind: 'agent-joined';
      readonly identity: HubIdentity;
      readonly sessionId: string | null;
      readonly epoch: string;
    }
  | {readonly kind: 'agent-left'; readonly identity: HubIdentity; readonly epoch: string; readonly why: LeftWhy}
  | {readonly kind: 'token-refreshed'; readonly identity: HubIdentity}
  /** Of an agent; `by`: who made it known. */
  | {
      readonly kind: 'key-added' | 'key-removed';
      readonly tenant: string;
      readonly agentId: string;
      readonly by: string;
      readonly publicKey: string;
    }
  | {
      readonly kind: 'task-assigned';
      readonly identity: HubIdentity;
      readonly message: string;
      /** Null: to whoever follows the topic, or to everybody. */
      readonly to: string | null;
      readonly topic: string | null;
    }
  | {
      readonly kind: 'refused';
      /** Null: not known yet. */
      readonly identity: HubIdentity | null;
      readonly address: string;
      readonly code: HubErrorCode;
      readonly message: string;
    }
  /** The store could not make durable what was pushed. */
  | {readonly kind: 'flush-failed'; readonly full: boolean; readonly detail: string}
  /** Something of the hub's own work in the background went wrong; it is tried again. */
  | {
      readonly kind: 'upkeep-failed';
      readonly what: 'vectors' | 'backup' | 'documents' | 'messages' | 'log' | 'certificates';
      readonly detail: string;
    }
  /** Forgotten since its time was over, or there were too many. */
  | {readonly kind: 'retired'; readonly tenant: string; readonly episodes: number}
  /** So many episodes are recalled as others that say the same, and so many as themselves again. */
  | {readonly kind: 'merged'; readonly tenant: string; readonly merged: number; readonly released: number}
  | {readonly kind: 'backed-up'; readonly file: string}
  /** A bug. */
  | {readonly kind: 'unexpected'; readonly error: unknown};

export type LeftWhy = 'left' | 'lost' | 'replaced';
