/** What other programs can use of the client; docs/hub-client.md shows each. */
export type {EpisodeInput, MemoryDb, QueryOptions} from './agent-memory.ts';
export type {EndToEndKey, EndToEndOptions} from './end-to-end.ts';
export {
  type AgentContext,
  type AgentEnd,
  type AgentInfo,
  EphemeralAgent,
  type EphemeralAgentOptions,
} from './ephemeral-agent.ts';
export type {DocumentList, DocumentMap, DocumentText} from './document-parts.ts';
export type {DocumentSyncOptions} from './document-sync.ts';
export {FederationHub, type FederationHubOptions} from './federation-hub.ts';
export type {HubAdapterSource} from './hub-replica.ts';
export type {
  DocumentAnswer,
  DocumentRequest,
  HubAdapter,
  HubAdapterEvent,
  HubListener,
  HubMember,
  HubPage,
  HubQuery,
  HubWelcome,
  OutgoingMessage,
  Subscription,
} from './hub-adapter.ts';
export type {DocumentEvents, HubDocument} from './hub-document.ts';
export {type HubClientCode, HubError} from './hub-error.ts';
export type {HubToken} from './hub-token.ts';
export {InProcessHub, type InProcessHubLimits} from './in-process-hub.ts';
export type {
  HelpRequest,
  Knowledge,
  RealtimeEvents,
  StatusUpdate,
  TaskAssignment,
  TaskReport,
  Told,
} from './realtime-events.ts';
export {createRealtimeHub, RealtimeHub} from './realtime-hub.ts';
export type {BroadcastOptions, HelpOptions, RealtimeOptions, SendOptions} from './realtime-options.ts';
export type {SyncReport, SyncStats} from './replica-sync.ts';
export type {CacheLimits} from './store/cache-limits.ts';
export type {EpisodeCache} from './store/episode-cache.ts';
export {createSigner, type Signer} from '../security/signer.ts';
export {openCache, type OpenCacheOptions} from './store/open-cache.ts';
export type {JsonValue} from '../../base/json.ts';
export type {Episode, EpisodeChange, EpisodeState, LogEntry, LogItem, Memory} from '../../model/episode.ts';
export type {ActiveAgent, HubMessage, HubRole, MessageKind, PresenceNote, Priority} from '../../model/hub.ts';
