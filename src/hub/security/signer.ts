import {createPrivateKey, createPublicKey, KeyObject} from 'node:crypto';
import type {Episode} from '../../model/episode.ts';
import {endorseKey} from './agent-key.ts';
import {signEpisode, writePublicKey} from './episode-signature.ts';

/** Signs what an agent remembers; the private key never leaves it. */
export interface Signer {
  /** As the hub knows it: 32 bytes in base64url. */
  readonly publicKey: string;
  sign(episode: Episode, tenantId: string): Episode;
  /** Says with the agent's former key that this one is its own too; null: there is none. */
  endorse(who: {readonly tenantId: string; readonly agentId: string}): string | null;
}

/**
 * From an Ed25519 private key, as a `KeyObject` or as PEM. `formerKey`: the key the hub knows the agent by, when this one is to be known
 * beside it. Throws TypeError on any other key.
 */
export function createSigner(
  key: KeyObject | string,
  {formerKey}: {readonly formerKey?: KeyObject | string} = {},
): Signer {
  const privateKey = privateKeyOf(key);
  const former = formerKey === undefined ? null : privateKeyOf(formerKey);
  const publicKey = writePublicKey(createPublicKey(privateKey));
  return {
    publicKey,
    sign: (episode, tenantId) => signEpisode(episode, {tenantId, privateKey}),
    endorse: who => (former === null ? null : endorseKey({...who, publicKey}, former)),
  };
}

function privateKeyOf(key: KeyObject | string): KeyObject {
  const read = key instanceof KeyObject ? key : readPem(key);
  if (read.type === 'private' && read.asymmetricKeyType === 'ed25519') return read;
  throw new TypeError('A signing key is an Ed25519 private key, as a KeyObject or PEM; this is none');
}

function readPem(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // What OpenSSL says of it may show parts of the key.
    throw new TypeError('A signing key is an Ed25519 private key, as a KeyObject or PEM; this cannot be read as one');
  }
}
