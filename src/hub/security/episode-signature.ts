import {createPublicKey, type KeyObject, sign, verify} from 'node:crypto';
import type {Episode} from '../../model/episode.ts';
import {canonicalJson} from './canonical-json.ts';
import {checkName} from './names.ts';

/** What is signed: everything the episode says but its signature, and the tenant it was made for. */
export function canonicalEpisode(episode: Episode, tenantId: string): string {
  checkName(tenantId, 'The name of the tenant');
  // Named one by one: what a later version adds must be added here on purpose, with a version of its own.
  const {id, agentId, sessionId, task, input, output, critique, reward, success, tags, at, expiresAtMs, clock} =
    episode;
  const said = {id, agentId, sessionId, task, input, output, critique, reward, success, tags, at, expiresAtMs};
  if (clock === undefined) return `godel-episode-1\n${canonicalJson({...said, tenantId})}`;
  return `godel-episode-2\n${canonicalJson({...said, tenantId, clock})}`;
}

/** The episode with its signature (Ed25519, base64url). Throws TypeError when the key is none of Ed25519. */
export function signEpisode(
  episode: Episode,
  {tenantId, privateKey}: {readonly tenantId: string; readonly privateKey: KeyObject},
): Episode {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TypeError('Episodes are signed with an Ed25519 private key; this is none');
  }
  const signature = sign(null, Buffer.from(canonicalEpisode(episode, tenantId)), privateKey);
  return {...episode, signature: signature.toString('base64url')};
}

/** Whether the owner of the key has signed exactly this for this tenant. An episode without signature is not signed: false. */
export function verifyEpisode(
  episode: Episode,
  {tenantId, publicKey}: {readonly tenantId: string; readonly publicKey: KeyObject},
): boolean {
  const {signature} = episode;
  // Base64url of 64 bytes, written in the one canonical way.
  if (signature === null || !/^[\w-]{85}[AQgw]$/.test(signature)) return false;
  if (publicKey.asymmetricKeyType !== 'ed25519') return false;
  return verify(null, Buffer.from(canonicalEpisode(episode, tenantId)), publicKey, Buffer.from(signature, 'base64url'));
}

/** A public key from 32 bytes in base64url, as it is made known. Throws TypeError on anything else. */
export function readPublicKey(text: string): KeyObject {
  if (!/^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text)) {
    throw new TypeError('A public key is 32 bytes (Ed25519) in base64url, 43 characters');
  }
  return createPublicKey({format: 'jwk', key: {kty: 'OKP', crv: 'Ed25519', x: text}});
}

/** The text that `readPublicKey` reads. Throws TypeError when the key is none of Ed25519. */
export function writePublicKey(key: KeyObject): string {
  const {crv, x} = key.export({format: 'jwk'});
  if (crv !== 'Ed25519' || x === undefined) throw new TypeError('This is no Ed25519 key');
  return x;
}
