import {type KeyClaim, judgeKey} from '../../security/agent-key.ts';
import {nameProblem} from '../../security/names.ts';
import type {AgentKeyBook, HubEvent, KeyFrame, Refusal} from '../hub-parts.ts';
import type {HubIdentity} from '../../../model/hub.ts';
import type {Credentials} from '../store/credentials.ts';

export interface KeyBookParts {
  readonly credentials: Pick<Credentials, 'keys' | 'addKey'>;
  /** The keys of this agent have changed, or what was written of them is given up. */
  readonly changed: (tenant: string, agentId: string) => void;
  readonly wallMs: () => number;
  readonly onEvent: (event: HubEvent) => void;
}

/** The public keys that agents make known themselves; see `judgeKey`. */
export class KeyBook implements AgentKeyBook {
  readonly #parts: KeyBookParts;

  constructor(parts: KeyBookParts) {
    this.#parts = parts;
  }

  claim(identity: HubIdentity, {agentId: named, publicKey, signature}: KeyFrame): Refusal | null {
    const {credentials, changed, wallMs, onEvent} = this.#parts;
    const {tenantId, agentId: by, role} = identity;
    const agentId = named ?? by;
    const problem = nameProblem(agentId);
    if (problem !== null) return refuse('bad-frame', `agentId ${problem}`);
    const known = credentials.keys(tenantId, agentId).map(key => key.publicKey);
    const verdict = verdictOf({tenantId, agentId, publicKey}, {known, signature, role});
    if (verdict === null)
      return refuse('bad-frame', 'publicKey is none: 32 bytes (Ed25519) in base64url, 43 characters');
    if (verdict === 'known') return null;
    if (verdict === 'untrusted') {
      const fix = 'sign the new one with it (createSigner with formerKey), or ask an admin to add or remove one';
      return refuse('forbidden', `${agentId} has another key already: ${fix}`);
    }
    const kept = credentials.addKey(tenantId, agentId, {publicKey, sinceMs: wallMs()});
    if (kept === 'full')
      return refuse('limit-reached', `${agentId} has as many keys as it may: have one removed first`);
    changed(tenantId, agentId);
    onEvent({kind: 'key-added', tenant: tenantId, agentId, by, publicKey});
    return null;
  }

  undone(identity: HubIdentity, {agentId}: KeyFrame): void {
    this.#parts.changed(identity.tenantId, agentId ?? identity.agentId);
  }
}

/** Null: it is no public key. */
function verdictOf(claim: KeyClaim, given: Parameters<typeof judgeKey>[1]): ReturnType<typeof judgeKey> | null {
  try {
    return judgeKey(claim, given);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function refuse(code: Refusal['code'], message: string): Refusal {
  return {code, message, retryAfterMs: null};
}
