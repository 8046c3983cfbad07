/** What other programs can use of godel without its daemon; docs/library.md and docs/hub-client.md show each. */
export {AgentSelector} from './federation/agent-selector.ts';
export {AutoScaler} from './federation/auto-scaler.ts';
export {HEALTH_DEFAULTS, HealthMonitor} from './federation/health-monitor.ts';
export {LoadBalancer} from './federation/load-balancer.ts';
export {WeightedStrategy} from './federation/strategies/weighted.ts';
export {TaskDecomposer} from './federation/task-decomposer.ts';
export * as resolver from './plan/dependency-resolver.ts';
export type {EpisodeInput, MemoryDb, QueryOptions} from './hub/client/agent-memory.ts';
export type {EndToEndKey, EndToEndOptions} from './hub/client/end-to-end.ts';
export {
  type AgentContext,
  type AgentEnd,
  type AgentInfo,
  EphemeralAgent,
  type EphemeralAgentOptions,
} from './hub/client/ephemeral-agent.ts';
export type {DocumentList, DocumentMap, DocumentText} from './hub/client/document-parts.ts';
export type {DocumentSyncOptions} from './hub/client/document-sync.ts';
export {FederationHub, type FederationHubOptions, type HubAdapterSource} from './hub/client/federation-hub.ts';
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
} from './hub/client/hub-adapter.ts';
export type {DocumentEvents, HubDocument} from './hub/client/hub-document.ts';
export {type HubClientCode, HubError} from './hub/client/hub-error.ts';
export type {HubToken} from './hub/client/hub-token.ts';
export {InProcessHub, type InProcessHubLimits} from './hub/client/in-process-hub.ts';
export type {
  HelpRequest,
  Knowledge,
  RealtimeEvents,
  StatusUpdate,
  TaskAssignment,
  TaskReport,
  Told,
} from './hub/client/realtime-events.ts';
export {createRealtimeHub, RealtimeHub} from './hub/client/realtime-hub.ts';
export type {BroadcastOptions, HelpOptions, RealtimeOptions, SendOptions} from './hub/client/realtime-options.ts';
export type {SyncReport, SyncStats} from './hub/client/replica-sync.ts';
export type {CacheLimits} from './hub/client/store/cache-limits.ts';
export type {EpisodeCache} from './hub/client/store/episode-cache.ts';
export {createSigner, type Signer} from './hub/security/signer.ts';
export {openCache, type OpenCacheOptions} from './hub/client/store/open-cache.ts';
export type {JsonValue} from './base/json.ts';
export type {Episode, EpisodeChange, EpisodeState, LogEntry, LogItem, Memory} from './model/episode.ts';
export type {ActiveAgent, HubMessage, HubRole, MessageKind, PresenceNote, Priority} from './model/hub.ts';
