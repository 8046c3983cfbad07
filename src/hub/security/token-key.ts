import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

export const TOKEN_ALGORITHMS = ['EdDSA', 'HS256'] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** A key that signs tokens. Its algorithm belongs to it: no token can ask for another one. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  /** Unix epoch, milliseconds. Of several keys the youngest signs. */
  readonly createdAtMs: number;
  /** How long after `createdAtMs` what older keys have signed is still taken, in milliseconds. */
  readonly olderLiveMs: number;
  readonly signing: KeyObject;
  readonly verifying: KeyObject;
}

type Facts = Pick<TokenKey, 'algorithm' | 'createdAtMs' | 'olderLiveMs'>;

/** A new key: Ed25519, or 256 random bits for HS256. */
export function newTokenKey({algorithm, createdAtMs, olderLiveMs}: Facts): TokenKey {
  const id = randomBytes(12).toString('base64url');
  if (algorithm === 'EdDSA') {
    const {privateKey, publicKey} = generateKeyPairSync('ed25519');
    return {id, algorithm, createdAtMs, olderLiveMs, signing: privateKey, verifying: publicKey};
  }
  const secret = createSecretKey(randomBytes(32));
  return {id, algorithm, createdAtMs, olderLiveMs, signing: secret, verifying: secret};
}

/** What a key file holds. */
export function writeTokenKey({id, algorithm, createdAtMs, olderLiveMs, signing}: TokenKey): string {
  return `${JSON.stringify({id, algorithm, createdAtMs, olderLiveMs, key: signing.export({format: 'jwk'})})}\n`;
}

/** Throws, naming the file, on what `writeTokenKey` has not written. */
export function readTokenKey(text: string, file: string): TokenKey {
  const broken = (why: string) => new Error(`${file} is no token key (${why}): restore it, or remove it and rotate`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken('not JSON');
  }
  if (typeof value !== 'object' || value === null) throw broken('no object');
  const facts: Readonly<Record<string, unknown>> = {...value};
  const {id, algorithm, createdAtMs, olderLiveMs, key} = facts;
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id)) throw broken('its `id` is no key id');
  if (!isTime(createdAtMs) || !isTime(olderLiveMs)) throw broken('its times are no times');
  if (algorithm !== 'EdDSA' && algorithm !== 'HS256') throw broken('its `algorithm` is none of EdDSA, HS256');
  if (typeof key !== 'object' || key === null) throw broken('it has no `key`');
  try {
    return {id, algorithm, createdAtMs, olderLiveMs, ...(algorithm === 'EdDSA' ? ed25519({...key}) : secret({...key}))};
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error));
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function ed25519(jwk: JsonWebKey): {signing: KeyObject; verifying: KeyObject} {
  const signing = createPrivateKey({format: 'jwk', key: jwk});
  if (signing.asymmetricKeyType !== 'ed25519') throw new Error('its `key` is no Ed25519 key');
  return {signing, verifying: createPublicKey(signing)};
}

function secret(jwk: JsonWebKey): {signing: KeyObject; verifying: KeyObject} {
  const bytes = Buffer.from(jwk.kty === 'oct' && typeof jwk['k'] === 'string' ? jwk['k'] : '', 'base64url');
  if (bytes.length < 32) throw new Error('its `key` has fewer than 256 bits');
  const key = createSecretKey(bytes);
  return {signing: key, verifying: key};
}
