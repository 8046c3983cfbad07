import {GodelError} from '../../../model/failure.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import {HybridClock} from '../../replica/hybrid-clock.ts';
import {readPublicKey} from '../../security/episode-signature.ts';
import {checkName} from '../../security/names.ts';
import {type HubLimits, hubLimits} from '../hub-limits.ts';
import type {HubAuth, HubEvent} from '../hub-parts.ts';
import {HubServer, type HubTls} from '../hub-server.ts';
import type {AuditRow, AuditWanted} from '../store/audit-log.ts';
import type {ListedKey} from '../store/credentials.ts';
import {OPERATOR, type SqliteHubStore} from '../store/sqlite-hub-store.ts';
import {type BackupPlan, Backups} from './backups.ts';
import {Chronicle} from './chronicle.ts';
import type {MasterKey} from '../../security/master-key.ts';
import type {DataKeys, RotatedKey} from './data-keys.ts';
import {HybridRecall} from './hybrid-recall.ts';
import {KeyBook} from './key-book.ts';
import type {HubFolder} from './hub-folder.ts';
import {MailStore} from './mail-store.ts';
import {Merging} from './merging.ts';
import {takeNotes} from './noted.ts';
import {type AgentTrust, RecallRules} from './recall-rules.ts';
import {rewrapDataKeys, rotateDataKeys} from './seal-changes.ts';
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
  /** Whether episodes that say the same are merged; what was merged is let go in any case. Default: true. */
  readonly merge?: boolean;
  /** So many episodes of one task, 3 to 100, become one of the hub's own. Default: none do. */
  readonly consolidate?: number;
  /** Only episodes that are signed by a key of their agent are taken. Default: false, only of agents with a key. */
  readonly requireSignatures?: boolean;
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
  readonly folder: HubFolder;
}

interface Agent {
  readonly tenantId: string;
  readonly agentId: string;
}

/** All that is not said is wanted. */
export interface KeysWanted extends Partial<Agent> {
  /** Default: 10,000. */
  readonly limit?: number;
}

const LISTED_KEYS = 10_000;

/** A hub whose parts know each other. Whoever has made store and embedder closes them after `stop`. */
export interface Hub {
  readonly server: HubServer;
  readonly store: SqliteHubStore;
  start(): Promise<void>;
  /** What was taken is answered, and everything that waited is on the disk. */
  stop(): Promise<void>;
  registerKey(who: Agent, publicKey: string): 'kept' | 'full';
  removeKeys(who: Agent, publicKey: string | null): readonly string[];
  listKeys(which: KeysWanted): readonly ListedKey[];
  rotateDataKeys(tenantId: string | null): readonly RotatedKey[];
  rewrapDataKeys(master: MasterKey): number;
  /** Who did what, newest first. */
  audit(wanted: AuditWanted): readonly AuditRow[];
  /** Of all tenants, those trusted least first, at most `limit`. */
  trusts(limit: number): readonly AgentTrust[];
}

/** Throws RangeError on a setting out of its range. */
export function composeHub(settings: HubSettings, given: HubWith): Hub {
  const {store, embedder, auth, dataKeys, indexBytes, quorum, folder} = given;
  const {maxAgents, onEvent: tell = () => undefined, retention = {}, merge = true, consolidate = null} = settings;
  if (consolidate !== null && !(Number.isSafeInteger(consolidate) && consolidate >= 3 && consolidate <= 100)) {
    throw new RangeError(`consolidate is ${consolidate}; expected 3 to 100`);
  }
  const limits = hubLimits({...(maxAgents !== undefined && {agents: maxAgents}), ...settings.limits});
  const wallMs = Date.now;
  const chronicle = new Chronicle({sessions: store.sessions, audit: store.audit, wallMs});
  const onEvent = (event: HubEvent) => {
    chronicle.note(event);
    tell(event);
  };
  const settle = () => server.settle();
  const note = () => {
    try {
      settle();
      takeNotes(folder, store.audit, () => store.flush().ok);
    } catch (error) {
      onEvent({kind: 'upkeep-failed', what: 'log', detail: String(error)});
    }
  };
  const clock = new HybridClock({node: 'hub', wallMs});
  const indexes = new TenantIndexes({vectors: store.vectors, embedder, maxBytes: indexBytes});
  const follower = new VectorFollower({vectors: store.vectors, embedder, indexes, settle, onEvent});
  const onAdded = (tenant: string) => {
    upkeep.textSoon();
    merging.wake(tenant);
  };
  const recall = new HybridRecall({store, embedder, indexes, follower, onAdded, quorum, wallMs, onEvent});
  const rules = new RecallRules({store, quorum, wallMs});
  const documents = new SharedDocuments({rows: store.documents, limits, wallMs});
  const flush = () => store.flush();
  const mail = new MailStore({messages: store.messages, flush, keptMs: limits.keptMs, wallMs, onEvent});
  const {port, host, syncInterval, tls, backups: plan, requireSignatures = false} = settings;
  const {credentials} = store;
  const vetting = new Vetting({
    credentials,
    observe: at => clock.observe(at),
    wallMs,
    log: {id: store.log, head: tenant => store.head(tenant)},
    requireSignatures,
  });
  const changed = (tenant: string, agentId: string) => vetting.forget(tenant, agentId);
  const keys = new KeyBook({credentials, changed, wallMs, onEvent});
  const server = new HubServer({
    ...(port !== undefined && {port}),
    ...(host !== undefined && {host}),
    ...(syncInterval !== undefined && {syncInterval}),
    ...(tls !== undefined && {tls}),
    store,
    totals: store,
    auth,
    recall,
    recallRule: rules.of,
    documents,
    keys,
    mail,
    limits,
    isKnown: (tenant, agent) => store.sessions.isKnown(tenant, agent),
    vet: vetting.vet,
    onPushed: ({tenantId: tenant, agentId: agent}, pushed) =>
      store.pushes.note({tenant, agent, atMs: wallMs()}, pushed),
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
    saved: () => {
      mail.saved();
      note();
    },
    forgotten: (tenant, episodes) => {
      recall.forgotten(tenant, episodes);
      merging.wake(tenant);
    },
    expire: () => mail.expire(),
    onEvent,
  });
  const commit = () => upkeep.tick();
  const shown = {store, embedder, indexes, clock, quorum, consolidate};
  const merging = new Merging({...shown, onlyReleases: !merge, settle, commit, onEvent});
  const backups = plan === undefined ? null : new Backups(plan, store, onEvent);
  const changeKeys = <T>({tenantId, agentId}: Agent, change: () => T): T => {
    checkName(tenantId, 'The name of the tenant');
    checkName(agentId, 'The name of the agent');
    settle();
    const done = change();
    changed(tenantId, agentId);
    const flushed = store.flush();
    if (flushed.ok) return done;
    const hint = 'Make room on its disk, and try again.';
    throw new GodelError({reason: 'store-unusable', path: store.file, detail: flushed.failure.detail, hint});
  };
  return {
    server,
    store,
    async start() {
      // First, for it may make a data key.
      note();
      dataKeys?.copy(store.credentials, store.tenants(), true);
      await server.start();
      upkeep.start();
      backups?.start();
      merging.start();
      // What an earlier run has left.
      upkeep.textSoon();
      follower.wake();
    },
    async stop() {
      const following = follower.close();
      await server.stop();
      await Promise.all([following, upkeep.stop(), backups?.stop(), merging.close()]);
      upkeep.tick();
      documents.close();
    },
    registerKey(who, publicKey) {
      // Refused here rather than when its episodes come.
      readPublicKey(publicKey);
      const {tenantId: tenant, agentId} = who;
      const kept = changeKeys(who, () => credentials.addKey(tenant, agentId, {publicKey, sinceMs: wallMs()}));
      if (kept === 'full') return 'full';
      onEvent({kind: 'key-added', tenant, agentId, by: OPERATOR, publicKey});
      return 'kept';
    },
    removeKeys(who, publicKey) {
      const {tenantId: tenant, agentId} = who;
      const removed = changeKeys(who, () => credentials.removeKeys(tenant, agentId, publicKey)) ?? [];
      for (const gone of removed) onEvent({kind: 'key-removed', tenant, agentId, by: OPERATOR, publicKey: gone});
      return removed;
    },
    rotateDataKeys(tenantId) {
      settle();
      return rotateDataKeys({store, dataKeys}, tenantId);
    },
    rewrapDataKeys(master) {
      settle();
      return rewrapDataKeys({store, dataKeys}, master);
    },
    audit(wanted) {
      note();
      return store.audit.list(wanted);
    },
    trusts(limit) {
      return store
        .figures()
        .flatMap(({name}) => rules.trusts(name))
        .toSorted((a, b) => a.trust - b.trust)
        .slice(0, limit);
    },
    listKeys({tenantId = null, agentId = null, limit = LISTED_KEYS}) {
      return credentials.listKeys({tenant: tenantId, agent: agentId, limit});
    },
  };
}
