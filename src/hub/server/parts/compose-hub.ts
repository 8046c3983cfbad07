import {GodelError} from '../../../model/failure.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import {HybridClock} from '../../replica/hybrid-clock.ts';
import {readPublicKey} from '../../security/episode-signature.ts';
import {checkName} from '../../security/names.ts';
import {type HubLimits, hubLimits} from '../hub-limits.ts';
import type {HubAuth, HubEvent} from '../hub-parts.ts';
import {HubServer, type HubTls} from '../hub-server.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';
import {type BackupPlan, Backups} from './backups.ts';
import {Chronicle} from './chronicle.ts';
import type {DataKeys} from './data-keys.ts';
import {HybridRecall} from './hybrid-recall.ts';
import {MailStore} from './mail-store.ts';
import {SharedDocuments} from './shared-documents.ts';
import {TenantIndexes} from './tenant-indexes.ts';
import {type Retention, Upkeep} from './upkeep.ts';
import {VectorFollower} from './vector-follower.ts';
import {Vetting} from './vetting.ts';

export interface HubSettings {
  /** Default: 8080; 0: any that is free, see `address`. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Agents connected at the same time. Default: 10000. */
  readonly maxAgents?: number;
  /** How often clients are to sync, in milliseconds. Default: 5000. */
  readonly syncInterval?: number;
  /** PEM. With it the hub speaks wss and https only; `requestCert` with `ca` asks clients for certificates. */
  readonly tls?: HubTls;
  readonly retention?: Partial<Retention>;
  readonly backups?: BackupPlan;
  readonly limits?: Partial<HubLimits>;
  readonly onEvent?: (event: HubEvent) => void;
}

export interface HubWith {
  readonly store: SqliteHubStore;
  readonly embedder: Embedder;
  readonly auth: HubAuth;
  readonly dataKeys: DataKeys | null;
  readonly indexBytes: number;
  readonly quorum: number;
}

interface Agent {
  readonly tenantId: string;
  readonly agentId: string;
}

/** A hub whose parts know each other. Whoever has made store and embedder closes them after `stop`. */
export interface Hub {
  readonly server: HubServer;
  readonly store: SqliteHubStore;
  start(): Promise<void>;
  /** What was taken is answered, and everything that waited is on the disk. */
  stop(): Promise<void>;
  registerKey(who: Agent, publicKey: string): 'kept' | 'full';
  removeKey(who: Agent, publicKey: string): void;
}

/** Throws RangeError on a setting out of its range. */
export function composeHub(settings: HubSettings, {store, embedder, auth, dataKeys, indexBytes, quorum}: HubWith): Hub {
  const {maxAgents, onEvent: tell = () => undefined, retention = {}} = settings;
  const limits = hubLimits({...(maxAgents !== undefined && {agents: maxAgents}), ...settings.limits});
  const wallMs = Date.now;
  const chronicle = new Chronicle({sessions: store.sessions, audit: store.audit, wallMs});
  const onEvent = (event: HubEvent) => {
    chronicle.note(event);
    tell(event);
  };
  const settle = () => server.settle();
  const clock = new HybridClock({node: 'hub', wallMs});
  const indexes = new TenantIndexes({vectors: store.vectors, embedder, maxBytes: indexBytes});
  const follower = new VectorFollower({vectors: store.vectors, embedder, indexes, settle, onEvent});
  const onAdded = () => upkeep.textSoon();
  const recall = new HybridRecall({store, embedder, indexes, follower, onAdded, quorum, wallMs, onEvent});
  const documents = new SharedDocuments({rows: store.documents, limits, wallMs});
  const flush = () => store.flush();
  const mail = new MailStore({messages: store.messages, flush, keptMs: limits.keptMs, wallMs, onEvent});
  const vetting = new Vetting({credentials: store.credentials, observe: at => clock.observe(at), wallMs});
  const {port, host, syncInterval, tls, backups: plan} = settings;
  const server = new HubServer({
    ...(port !== undefined && {port}),
    ...(host !== undefined && {host}),
    ...(syncInterval !== undefined && {syncInterval}),
    ...(tls !== undefined && {tls}),
    store,
    totals: store,
    auth,
    recall,
    documents,
    mail,
    limits,
    isKnown: (tenant, agent) => store.sessions.isKnown(tenant, agent),
    vet: vetting.vet,
    onEvent,
  });
  const upkeep = new Upkeep({
    store,
    clock,
    retention: {lifetimeMs: null, maxEpisodes: null, ...retention},
    settle,
    save: () => {
      const saved = documents.save();
      if (!saved.ok) onEvent({kind: 'upkeep-failed', what: 'documents', detail: saved.failure.message});
      mail.save();
      dataKeys?.copy(store.credentials, store.tenants());
    },
    forgotten: (tenant, episodes) => recall.forgotten(tenant, episodes),
    expire: () => mail.expire(),
    onEvent,
  });
  const backups = plan === undefined ? null : new Backups(plan, store, onEvent);
  const changeKeys = ({tenantId, agentId}: Agent, change: () => 'kept' | 'full' | null | undefined) => {
    checkName(tenantId, 'The name of the tenant');
    checkName(agentId, 'The name of the agent');
    settle();
    const changed = change();
    vetting.forget(tenantId, agentId);
    const flushed = store.flush();
    if (flushed.ok) return changed === 'full' ? 'full' : 'kept';
    const hint = 'Make room on its disk, and try again.';
    throw new GodelError({reason: 'store-unusable', path: store.file, detail: flushed.failure.detail, hint});
  };
  return {
    server,
    store,
    async start() {
      dataKeys?.copy(store.credentials, store.tenants(), true);
      await server.start();
      upkeep.start();
      backups?.start();
      // What an earlier run has left.
      upkeep.textSoon();
      follower.wake();
    },
    async stop() {
      const following = follower.close();
      await server.stop();
      await Promise.all([following, upkeep.stop(), backups?.stop()]);
      upkeep.tick();
      documents.close();
    },
    registerKey(who, publicKey) {
      // Refused here rather than when its episodes come.
      readPublicKey(publicKey);
      const key = {publicKey, sinceMs: wallMs()};
      return changeKeys(who, () => store.credentials.addKey(who.tenantId, who.agentId, key));
    },
    removeKey(who, publicKey) {
      changeKeys(who, () => {
        store.credentials.removeKey(who.tenantId, who.agentId, publicKey);
        return undefined;
      });
    },
  };
}
