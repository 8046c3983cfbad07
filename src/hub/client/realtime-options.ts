import type {Priority} from '../../model/hub.ts';
import type {Alarms} from './alarms.ts';
import type {EndToEndOptions} from './end-to-end.ts';
import type {FederationHub} from './federation-hub.ts';
import type {HubAdapterSource} from './hub-replica.ts';
import type {EndpointOptions} from './hub-endpoint.ts';
import type {HubToken} from './hub-token.ts';

export interface RealtimeOptions extends EndpointOptions {
  /** Use the connection of this hub, such as `agent.hub`: an agent has one connection at a time. Instead of an endpoint. */
  readonly hub?: FederationHub;
  readonly endpoint?: string;
  readonly token?: HubToken;
  readonly hubAdapter?: HubAdapterSource;
  /** As for a `FederationHub`, for a connection of its own; with `hub`, that one's counts. */
  readonly endToEnd?: EndToEndOptions;
  readonly sessionId?: string | null;
  readonly skills?: readonly string[];
  readonly status?: string;
  /** Messages to everybody that name one of these are heard, beside those that name none. */
  readonly topics?: readonly string[];
  /** How long a message waits for the connection and is tried again, in milliseconds. */
  readonly sendMs?: number;
  readonly alarms?: Alarms;
}

export interface SendOptions {
  readonly priority?: Priority;
  /** Of the message it answers. */
  readonly correlationId?: string;
}

export interface BroadcastOptions extends SendOptions {
  readonly topic?: string | null;
  /** Only who shows all of these among its skills is told. */
  readonly skills?: readonly string[];
}

export interface HelpOptions {
  /** One agent; without it everybody, or those who follow the topic. */
  readonly to?: string;
  readonly topic?: string;
  /** Of everybody, or of those who follow the topic, only who shows all of these among its skills is asked. */
  readonly skills?: readonly string[];
  readonly data?: unknown;
  readonly priority?: Priority;
  /** So many answers are enough. */
  readonly answers?: number;
  /** Milliseconds until whatever came is all. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}
