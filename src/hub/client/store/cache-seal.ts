import {createSecretKey, hkdfSync, type KeyObject, randomBytes} from 'node:crypto';
import {readTenantSecret, type TenantSecret} from '../../security/end-to-end.ts';
import {openBytes, sealBytes} from '../../security/seal-format.ts';
import {badOption} from '../hub-error.ts';

/** How bodies are written to the cache and read from it. */
export interface BodyCode {
  encode(id: string, json: string): string | Buffer;
  /** Throws when it was changed, or belongs to something else. */
  decode(id: string, body: string | Buffer): string;
}

export const PLAIN: BodyCode = {
  encode: (_id, json) => json,
  decode: (_id, body) => body.toString(),
};

/** Bytes of the salt that makes the key of one file. */
export const SALT_BYTES = 16;

export function newSalt(): Buffer {
  return randomBytes(SALT_BYTES);
}

/**
 * Seals with AES-256-GCM under a key of this file's own (HKDF of the secret with the file's salt); what is sealed opens for this tenant
 * and under this id only. One file holds far fewer than the 2^32 things one key may seal with random nonces.
 */
export class SealedCode implements BodyCode {
  readonly #key: KeyObject;
  readonly #secret: TenantSecret;
  readonly #tenantId: string;

  constructor(secret: TenantSecret, {salt, tenantId}: {salt: Uint8Array; tenantId: string}) {
    this.#secret = secret;
    this.#tenantId = tenantId;
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret.key, salt, 'godel cache 1', 32)));
  }

  encode(id: string, json: string): Buffer {
    const {nonces} = this.#secret;
    return sealBytes(Buffer.from(json), {key: this.#key, version: 1, context: this.#context(id), nonces});
  }

  decode(id: string, body: string | Buffer): string {
    const plain = typeof body === 'string' ? null : openBytes(body, {key: this.#key, context: this.#context(id)});
    if (plain === null) throw new Error(`What the cache keeps as ${id} was changed or sealed with another key`);
    return plain.toString();
  }

  #context(id: string): readonly string[] {
    return ['godel-cache', this.#tenantId, id];
  }
}

/** Throws a HubError `bad-option`, without repeating it, on a text that is no key. */
export function readCacheKey(text: string): TenantSecret {
  try {
    return readTenantSecret(text);
  } catch (error) {
    throw badOption(`encryptionKey: ${error instanceof Error ? error.message : String(error)}`);
  }
}
