import type {AddressInfo} from 'node:net';
import {dirname, resolve} from 'node:path';
import type {Result} from '../../base/result.ts';
import {type Failure, GodelError} from '../../model/failure.ts';
import type {HubStats} from '../../wire/hub-protocol.ts';
import {type EmbedderSettings, openEmbedder} from '../recall/open-embedder.ts';
import type {Embedder} from '../recall/vector-index.ts';
import {revokedSerials} from '../security/certificates.ts';
import type {MasterKey} from '../security/master-key.ts';
import {makeFolder} from '../security/private-file.ts';
import {SecurityManager} from '../security/security-manager.ts';
import type {HubAuth} from './hub-parts.ts';
import type {HubTls} from './hub-server.ts';
import {mustListen} from './must-listen.ts';
import {type Hub, composeHub, type HubSettings, type KeysWanted} from './parts/compose-hub.ts';
import {DataKeys, type RotatedKey, type Sealing} from './parts/data-keys.ts';
import {hubAuth} from './parts/hub-auth.ts';
import {hubFolder, hubIdOf} from './parts/hub-folder.ts';
import {auditOf, type RecordsWanted, type SessionRecordsWanted, sessionsOf} from './parts/records-wanted.ts';
import type {AgentTrust} from './parts/recall-rules.ts';
import type {AuditRow} from './store/audit-log.ts';
import type {ListedKey} from './store/credentials.ts';
import type {HubStoreLimits} from './store/limits.ts';
import {openHubStore} from './store/open-hub-store.ts';
import type {SessionRow} from './store/sessions.ts';
import type {VerifyReport} from './store/verify.ts';

export interface FederationHubServerOptions extends HubSettings {
  /** The database; its folder is made where there is none. Default: ./hub-memory.db. Keys lie in a folder beside it, `hub-memory.keys`. */
  readonly dbPath?: string;
  /** Who verifies tokens. Default: the keys beside the database, see `security`. */
  readonly auth?: SecurityManager | HubAuth;
  /** Seals what is kept; a database is sealed from its beginning or not at all. */
  readonly sealing?: Sealing;
  /** Default: auto, the language model where it is installed and else hashed n-grams. */
  readonly embedder?: EmbedderSettings;
  /** What all vector indexes may take in memory together, in bytes. Default: 1 GiB. */
  readonly indexBytes?: number;
  /** Agents other than its own that must have confirmed an episode before they recall it. Default: 0. */
  readonly quorum?: number;
  readonly storeLimits?: Partial<HubStoreLimits>;
}

interface Running {
  readonly hub: Hub;
  readonly embedder: Embedder;
}

const INDEX_BYTES = 2 ** 30;

/**
 * The hub: what agents of many tenants remember, in one database, over one port. Everything that was acknowledged outlives it. One process
 * at a time has a database open.
 */
export class FederationHubServer implements AsyncDisposable {
  readonly #options: FederationHubServerOptions;
  readonly #dbPath: string;
  #security: SecurityManager | null = null;
  #running: Running | null = null;
  #stopped: Promise<void> | null = null;
  #revoked: ReadonlySet<string> = new Set();

  /** Throws RangeError on a quorum that is none; `start` on the other options. */
  constructor(options: FederationHubServerOptions = {}) {
    const {quorum = 0, dbPath = './hub-memory.db'} = options;
    if (!Number.isSafeInteger(quorum) || quorum < 0) throw new RangeError(`quorum is ${quorum}; expected 0, 1, 2 …`);
    this.#options = options;
    this.#dbPath = resolve(dbPath);
  }

  /** Makes and verifies tokens with the keys beside the database, which are made when there are none. */
  get security(): SecurityManager {
    const folder = hubFolder(this.#dbPath);
    this.#security ??= SecurityManager.open(folder.tokens, {hubId: hubIdOf(folder)});
    return this.#security;
  }

  /** Where it listens; null: it does not. */
  get address(): AddressInfo | null {
    return this.#running?.hub.server.address ?? null;
  }

  /**
   * Resolves once it listens. Rejects with a `GodelError` when the database cannot be used, with the fix when others may use its keys, and
   * when the port cannot be had; then nothing is left behind.
   */
  async start(): Promise<void> {
    if (this.#running !== null || this.#stopped !== null) {
      throw new Error('this hub has been started before; make a new one');
    }
    const {embedder: settings = {kind: 'auto'}, storeLimits = {}, sealing, tls} = this.#options;
    if (tls?.crl !== undefined) this.#revoked = revokedSerials(String(tls.crl));
    const {port = 8080, host = '127.0.0.1'} = this.#options;
    await mustListen({port, host});
    makeFolder(dirname(this.#dbPath));
    const auth = this.#auth();
    const dataKeys = sealing === undefined ? null : DataKeys.open(this.#dbPath, sealing);
    const embedder = await openEmbedder(settings);
    const seal = dataKeys?.sealer ?? null;
    const store = openHubStore({file: this.#dbPath, seal, limits: storeLimits});
    if (!store.ok) {
      await embedder.close();
      throw new GodelError(store.failure);
    }
    let hub: Hub | null = null;
    try {
      const folder = hubFolder(this.#dbPath);
      const {indexBytes = INDEX_BYTES, quorum = 0} = this.#options;
      hub = composeHub(this.#options, {store: store.value, embedder, auth, dataKeys, indexBytes, quorum, folder});
      await hub.start();
      this.#running = {hub, embedder};
    } catch (error) {
      await hub?.stop();
      store.value.close();
      await embedder.close();
      throw error;
    }
  }

  /** Answers what it has taken, says goodbye to everybody, and closes the database. The second time is the same as the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Throws before it was started. */
  getStats(): HubStats {
    return this.#started.server.getStats();
  }

  /** How far agents are trusted by what others tried of what they told; those trusted least first. */
  getTrust({limit = 100}: {readonly limit?: number} = {}): readonly AgentTrust[] {
    return this.#started.trusts(limit);
  }

  /** Who did what, newest first, at most `limit` (100); for whoever runs the hub. */
  getAudit(which: RecordsWanted = {}): readonly AuditRow[] {
    return this.#started.audit(auditOf(which));
  }

  /** Who was connected from when to when and who is, newest first, at most `limit` (100); for whoever runs the hub. */
  getSessions(which: SessionRecordsWanted = {}): readonly SessionRow[] {
    return this.#started.store.sessions.list(sessionsOf(which));
  }

  /** Connections from now on are met with these files; who has shown a certificate that `crl` lists is cut off. */
  renewTls(tls: HubTls): void {
    const revoked = tls.crl === undefined ? new Set<string>() : revokedSerials(String(tls.crl));
    this.#started.server.renewTls(tls);
    this.#revoked = revoked;
  }

  /** Writes a copy as of now into a new file while the hub goes on, and reads it to the end. Data keys are in it, wrapped. */
  backup(file: string): Promise<Result<VerifyReport, Failure>> {
    return this.#started.store.backup(file);
  }

  /** From now on episodes of this agent are taken only if they are signed by a key of its. `publicKey`: see `writePublicKey`. */
  registerKey(who: {readonly tenantId: string; readonly agentId: string}, publicKey: string): 'kept' | 'full' {
    return this.#started.registerKey(who, publicKey);
  }

  /** `publicKey` null: all of this agent, which may then make another one known. The keys that are gone. */
  removeKeys(
    who: {readonly tenantId: string; readonly agentId: string},
    publicKey: string | null = null,
  ): readonly string[] {
    return this.#started.removeKeys(who, publicKey);
  }

  /** By tenant and agent, at most `limit`. */
  listKeys(which: KeysWanted = {}): readonly ListedKey[] {
    return this.#started.listKeys(which);
  }

  /** A new data key for this tenant, null: for each; what older ones have sealed stays readable. Throws where nothing is sealed. */
  rotateDataKeys(tenantId: string | null = null): readonly RotatedKey[] {
    return this.#started.rotateDataKeys(tenantId);
  }

  /** Wraps all data keys by another master key, the only one that opens them from now on. How many were wrapped by another before. */
  rewrapDataKeys(master: MasterKey): number {
    return this.#started.rewrapDataKeys(master);
  }

  get #started(): Hub {
    if (this.#running === null) throw new Error('this hub has not been started');
    return this.#running.hub;
  }

  #auth(): HubAuth {
    const {auth = this.security} = this.#options;
    return auth instanceof SecurityManager ? hubAuth(auth, serial => this.#revoked.has(serial)) : auth;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const stopping = running.hub.stop();
    // Else a model that is still being loaded would be waited for; searches that are under way go on by words alone.
    await running.embedder.close();
    await stopping;
    running.hub.store.close();
  }
}
