import type {KeyObject} from 'node:crypto';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Episode} from '../../model/episode.ts';
import {readPublicKey, verifyEpisode, writePublicKey} from './episode-signature.ts';
import {checkName} from './names.ts';

export interface AgentKey {
  readonly tenantId: string;
  readonly agentId: string;
  /** As `readPublicKey` takes it. */
  readonly publicKey: string;
}

/** unsigned: nobody claims it. unknown: signed, but its agent has made no key known. forged: not signed by its agent's key. */
export type SignatureVerdict = 'signed' | 'unsigned' | 'unknown' | 'forged';

/**
 * The public keys that agents sign their episodes with. The first key of an agent stays its key: who takes over its name later, with a
 * token of its own, cannot sign as it did. Keeps `limit` keys at most; `all` is what to store.
 */
export class AgentKeys {
  readonly #limit: number;
  readonly #keys = new Map<string, {readonly entry: AgentKey; readonly key: KeyObject}>();

  constructor(known: readonly AgentKey[] = [], {limit = 100_000}: {readonly limit?: number} = {}) {
    this.#limit = limit;
    for (const entry of known) {
      const registered = this.register(entry);
      if (!registered.ok) throw new Error(registered.failure.message);
    }
  }

  /** Makes a key known. Registering the same key again changes nothing. Throws TypeError on what is no name or key. */
  register({tenantId, agentId, publicKey}: AgentKey): Result<void, {code: 'taken' | 'limit-reached'; message: string}> {
    checkName(tenantId, 'The name of the tenant');
    checkName(agentId, 'The name of the agent');
    const key = readPublicKey(publicKey);
    const known = this.#keys.get(keyOf(tenantId, agentId));
    if (known !== undefined) {
      if (known.entry.publicKey === publicKey) return ok(undefined);
      return fail({code: 'taken', message: `${agentId} has another key already: an admin must remove that one first`});
    }
    if (this.#keys.size >= this.#limit) {
      return fail({code: 'limit-reached', message: `${this.#limit} agents have a key, which is the most: remove some`});
    }
    this.#keys.set(keyOf(tenantId, agentId), {entry: {tenantId, agentId, publicKey}, key});
    return ok(undefined);
  }

  /** Forgets the key, so that its agent can make another one known. For admins. */
  remove({tenantId, agentId}: Omit<AgentKey, 'publicKey'>): boolean {
    return this.#keys.delete(keyOf(tenantId, agentId));
  }

  verdict(tenantId: string, episode: Episode): SignatureVerdict {
    const known = this.#keys.get(keyOf(tenantId, episode.agentId));
    if (episode.signature === null) return 'unsigned';
    if (known === undefined) return 'unknown';
    return verifyEpisode(episode, {tenantId, publicKey: known.key}) ? 'signed' : 'forged';
  }

  all(): readonly AgentKey[] {
    return [...this.#keys.values()].map(({entry}) => entry);
  }
}

/** The registration of a key pair's public half. */
export function agentKey({tenantId, agentId, key}: {tenantId: string; agentId: string; key: KeyObject}): AgentKey {
  return {tenantId, agentId, publicKey: writePublicKey(key)};
}

/** Names hold no control characters, so that no two pairs of them are written alike. */
function keyOf(tenantId: string, agentId: string): string {
  return `${tenantId}\0${agentId}`;
}
