import {type KeyObject, sign, verify} from 'node:crypto';
import type {HubRole} from '../../model/hub.ts';
import {canonicalJson} from './canonical-json.ts';
import {readPublicKey} from './episode-signature.ts';
import {checkName} from './names.ts';
import {permits} from './permissions.ts';

/** That a public key (32 bytes in base64url) is one of this agent's. */
export interface KeyClaim {
  readonly tenantId: string;
  readonly agentId: string;
  readonly publicKey: string;
}

/** What an agent that has a key already signs with it to say that another one is its own too. */
export function canonicalKeyClaim({tenantId, agentId, publicKey}: KeyClaim): string {
  checkName(tenantId, 'The name of the tenant');
  checkName(agentId, 'The name of the agent');
  return `godel-key-1\n${canonicalJson({tenantId, agentId, publicKey})}`;
}

/** Ed25519, base64url. */
export function endorseKey(claim: KeyClaim, knownKey: KeyObject): string {
  return sign(null, Buffer.from(canonicalKeyClaim(claim)), knownKey).toString('base64url');
}

/** known: it was made known before, and nothing is to be done. untrusted: only a known key, or an admin, can add another one. */
export type KeyVerdict = 'known' | 'new' | 'untrusted';

/**
 * Whether an agent's key becomes known: its first one does, by whoever has its token; after that only what one of its keys has signed, or
 * an admin says. Throws TypeError on a text that is no public key.
 */
export function judgeKey(
  claim: KeyClaim,
  {
    known,
    signature,
    role,
  }: {readonly known: readonly string[]; readonly signature: string | null; readonly role: HubRole},
): KeyVerdict {
  readPublicKey(claim.publicKey);
  if (known.includes(claim.publicKey)) return 'known';
  if (known.length === 0 || permits(role, 'key.others')) return 'new';
  if (signature === null || !/^[\w-]{85}[AQgw]$/.test(signature)) return 'untrusted';
  const said = Buffer.from(canonicalKeyClaim(claim));
  const bytes = Buffer.from(signature, 'base64url');
  return known.some(key => verify(null, said, readPublicKey(key), bytes)) ? 'new' : 'untrusted';
}
