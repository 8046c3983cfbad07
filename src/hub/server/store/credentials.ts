import type {Database} from 'better-sqlite3';
import type {Group} from './group.ts';

const ADD_KEY = `INSERT INTO agent_keys (tenant, agent, public_key, since_ms)
  SELECT @tenant, @agent, @publicKey, @sinceMs
  WHERE (SELECT count(*) FROM agent_keys WHERE tenant = @tenant AND agent = @agent) < @max
  ON CONFLICT DO NOTHING`;
const HAS_KEY = 'SELECT 1 FROM agent_keys WHERE tenant = ? AND agent = ? AND public_key = ?';
const KEYS = `SELECT public_key AS publicKey, since_ms AS sinceMs FROM agent_keys WHERE tenant = ? AND agent = ?
  ORDER BY since_ms, public_key`;
const REMOVE_KEYS = `DELETE FROM agent_keys WHERE tenant = @tenant AND agent = @agent
  AND (@publicKey IS NULL OR public_key = @publicKey) RETURNING public_key`;
const LIST_KEYS = `SELECT tenant AS tenantId, agent AS agentId, public_key AS publicKey, since_ms AS sinceMs FROM agent_keys
  WHERE (@tenant IS NULL OR tenant = @tenant) AND (@agent IS NULL OR agent = @agent)
  ORDER BY tenant, agent, since_ms, public_key LIMIT @limit`;
const REVOKE = `INSERT INTO revoked_tokens (id, expires_at_ms, at_ms)
  SELECT @id, @expiresAtMs, @atMs WHERE (SELECT count(*) FROM revoked_tokens) < @max ON CONFLICT DO NOTHING`;
const IS_REVOKED = 'SELECT 1 FROM revoked_tokens WHERE id = ?';
const REVOKED = 'SELECT id, expires_at_ms AS expiresAtMs, at_ms AS atMs FROM revoked_tokens ORDER BY id';
const DROP_REVOKED = 'DELETE FROM revoked_tokens WHERE expires_at_ms <= ?';
const SET_DATA_KEY = `INSERT OR REPLACE INTO data_keys (tenant, version, master, wrapped, created_at_ms)
  VALUES (?, ?, ?, ?, ?)`;
const IS_REWRAPPED = 'SELECT 1 FROM data_keys WHERE tenant = ? AND version = ? AND master <> ?';
export const DATA_KEYS = `SELECT tenant AS tenantId, version, master AS masterId, wrapped, created_at_ms AS createdAtMs
  FROM data_keys ORDER BY tenant, version`;

export interface AgentKey {
  readonly publicKey: string;
  readonly sinceMs: number;
}

export interface ListedKey extends AgentKey {
  readonly tenantId: string;
  readonly agentId: string;
}

export interface RevokedToken {
  readonly id: string;
  /** When it would have ended anyway: after that it need not be remembered. */
  readonly expiresAtMs: number;
  readonly atMs: number;
}

/** A copy of a data key as it is kept elsewhere, so that a backup opens with nothing but the hub's own key. */
export interface DataKey {
  readonly tenantId: string;
  readonly version: number;
  /** The hub's key that it is sealed by, which is never in the database. */
  readonly masterId: string;
  readonly wrapped: string;
  readonly createdAtMs: number;
}

/** Public keys of agents, ids of revoked tokens, wrapped data keys. No secret of it can be used without the hub's key. */
export class Credentials {
  readonly #group: Group;
  readonly #limits: {readonly keysPerAgent: number; readonly revokedTokens: number};
  readonly #addKey;
  readonly #hasKey;
  readonly #keys;
  readonly #removeKeys;
  readonly #listKeys;
  readonly #revoke;
  readonly #isRevoked;
  readonly #revoked;
  readonly #dropRevoked;
  readonly #setDataKey;
  readonly #isRewrapped;
  readonly #dataKeys;

  constructor(db: Database, group: Group, limits: {readonly keysPerAgent: number; readonly revokedTokens: number}) {
    this.#group = group;
    this.#limits = limits;
    this.#addKey = db.prepare<[AgentKey & {tenant: string; agent: string; max: number}]>(ADD_KEY);
    this.#hasKey = db.prepare<[string, string, string], number>(HAS_KEY);
    this.#keys = db.prepare<[string, string], AgentKey>(KEYS);
    type Which = {tenant: string; agent: string; publicKey: string | null};
    this.#removeKeys = db.prepare<[Which], string>(REMOVE_KEYS).pluck();
    type Wanted = {tenant: string | null; agent: string | null; limit: number};
    this.#listKeys = db.prepare<[Wanted], ListedKey>(LIST_KEYS);
    this.#revoke = db.prepare<[RevokedToken & {max: number}]>(REVOKE);
    this.#isRevoked = db.prepare<[string], number>(IS_REVOKED);
    this.#revoked = db.prepare<[], RevokedToken>(REVOKED);
    this.#dropRevoked = db.prepare<[number]>(DROP_REVOKED);
    this.#setDataKey = db.prepare<[string, number, string, string, number]>(SET_DATA_KEY);
    this.#isRewrapped = db.prepare<[string, number, string], number>(IS_REWRAPPED).pluck();
    this.#dataKeys = db.prepare<[], DataKey>(DATA_KEYS);
  }

  /** full: the agent has as many keys as it may; null: not kept, see `flush`. */
  addKey(tenant: string, agent: string, {publicKey, sinceMs}: AgentKey): 'kept' | 'full' | null {
    return this.#group.write(() => {
      this.#addKey.run({tenant, agent, publicKey, sinceMs, max: this.#limits.keysPerAgent});
      return this.#hasKey.get(tenant, agent, publicKey) === undefined ? 'full' : 'kept';
    });
  }

  /** `publicKey` null: all of them. Those that are gone; null: not written, see `flush`. */
  removeKeys(tenant: string, agent: string, publicKey: string | null): readonly string[] | null {
    return this.#group.write(() => this.#removeKeys.all({tenant, agent, publicKey}));
  }

  /** By tenant and agent, at most `limit`; null: of all. */
  listKeys({tenant, agent, limit}: {tenant: string | null; agent: string | null; limit: number}): readonly ListedKey[] {
    return this.#group.read(() => this.#listKeys.all({tenant, agent, limit}));
  }

  /** Oldest first. */
  keys(tenant: string, agent: string): readonly AgentKey[] {
    return this.#group.read(() => this.#keys.all(tenant, agent));
  }

  revoke({id, expiresAtMs, atMs}: RevokedToken): 'kept' | 'full' | null {
    return this.#group.write(() => {
      this.#revoke.run({id, expiresAtMs, atMs, max: this.#limits.revokedTokens});
      return this.isRevoked(id) ? 'kept' : 'full';
    });
  }

  isRevoked(token: string): boolean {
    return this.#group.read(() => this.#isRevoked.get(token) !== undefined);
  }

  revoked(): readonly RevokedToken[] {
    return this.#group.read(() => this.#revoked.all());
  }

  /** Those that have ended anyway; returns how many. */
  dropRevoked(nowMs: number): number {
    return this.#group.write(() => this.#dropRevoked.run(nowMs).changes) ?? 0;
  }

  /** Takes the place of one of the same tenant and version; of one that another master key opens nothing stays in the file. */
  setDataKey({tenantId, version, masterId, wrapped, createdAtMs}: DataKey): void {
    this.#group.write(() => {
      if (this.#isRewrapped.get(tenantId, version, masterId) !== undefined) this.#group.scrub();
      this.#setDataKey.run(tenantId, version, masterId, wrapped, createdAtMs);
    });
  }

  dataKeys(): readonly DataKey[] {
    return this.#group.read(() => this.#dataKeys.all());
  }
}
