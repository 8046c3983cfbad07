/** The hub itself for other programs, as `godel/hub`: what agents connect to is in index.ts; docs/hub.md shows it. */
export {FederationHubServer, type FederationHubServerOptions} from './hub/server/federation-hub-server.ts';
export type {AuthFailure, HubAuth, HubEvent} from './hub/server/hub-parts.ts';
export type {HubLimits} from './hub/server/hub-limits.ts';
export type {HubTls} from './hub/server/hub-server.ts';
export type {BackupPlan} from './hub/server/parts/backups.ts';
export type {RotatedKey, Sealing} from './hub/server/parts/data-keys.ts';
export type {Retention} from './hub/server/parts/upkeep.ts';
export type {HubStoreLimits} from './hub/server/store/limits.ts';
export type {VerifyReport} from './hub/server/store/verify.ts';
export type {EmbedderSettings} from './hub/recall/open-embedder.ts';
export {writePublicKey} from './hub/security/episode-signature.ts';
export {
  type MasterKey,
  type MasterKeyFailure,
  type MasterKeySource,
  masterKey,
  readMasterKey,
} from './hub/security/master-key.ts';
export {SecurityManager, type SecurityOptions, type TokenOptions} from './hub/security/security-manager.ts';
export {TokenKeys} from './hub/security/token-keys.ts';
export type {HubIdentity, HubRole} from './model/hub.ts';
export type {HubStats} from './wire/hub-protocol.ts';
