import {createCipheriv, createDecipheriv, type KeyObject, randomFillSync} from 'node:crypto';

/**
 * Sealed bytes: format (1), version of the key (4, big-endian), nonce (12), ciphertext, tag (16). AES-256-GCM (NIST SP 800-38D); what
 * stands before the nonce is authenticated together with the context.
 */
const FORMAT = 1;
const NONCE = 12;
const TAG = 16;
const HEAD = 1 + 4 + NONCE;

/** How many bytes sealing adds. */
export const SEAL_OVERHEAD = HEAD + TAG;

/** What is sealed belongs there and opens nowhere else. */
export type SealContext = readonly string[];

interface Sealing {
  readonly key: KeyObject;
  /** Of the key; from 0 to 2^32 - 1. */
  readonly version: number;
  readonly context: SealContext;
  readonly nonces: Nonces;
}

export function sealBytes(plain: Uint8Array, {key, version, context, nonces}: Sealing): Buffer {
  // Not from the pool: what is kept would keep all of it.
  const sealed = Buffer.allocUnsafeSlow(plain.length + SEAL_OVERHEAD);
  sealed[0] = FORMAT;
  sealed.writeUInt32BE(version, 1);
  nonces.take(sealed, 5);
  const cipher = createCipheriv('aes-256-gcm', key, sealed.subarray(5, HEAD), {authTagLength: TAG});
  cipher.setAAD(associated(sealed.subarray(0, 5), context));
  cipher.update(plain).copy(sealed, HEAD);
  cipher.final();
  cipher.getAuthTag().copy(sealed, HEAD + plain.length);
  return sealed;
}

/** The version of the key in the header, or null when the bytes are nothing that `sealBytes` makes. */
export function sealVersion(sealed: Uint8Array): number | null {
  if (sealed.length < SEAL_OVERHEAD || sealed[0] !== FORMAT) return null;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
}

/** The plain bytes, or null when key or context are others or any bit was changed. */
export function openBytes(
  sealed: Uint8Array,
  {key, context}: {readonly key: KeyObject; readonly context: SealContext},
): Buffer | null {
  if (sealVersion(sealed) === null) return null;
  const end = sealed.length - TAG;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(5, HEAD), {authTagLength: TAG});
  decipher.setAAD(associated(sealed.subarray(0, 5), context));
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(HEAD, end));
  try {
    decipher.final();
  } catch {
    // That is how Node says that the tag does not match.
    return null;
  }
  return plain;
}

/** Every part with its length before it, so that no two contexts are written alike. */
function associated(header: Uint8Array, context: SealContext): Buffer {
  const size = context.reduce((sum, part) => sum + 4 + Buffer.byteLength(part), header.length);
  const bytes = Buffer.allocUnsafe(size);
  bytes.set(header);
  let at = header.length;
  for (const part of context) {
    const length = bytes.write(part, at + 4);
    bytes.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return bytes;
}

/** Nonces from the system's random source, fetched many at a time; each is used once and wiped. */
export class Nonces {
  readonly #pool = Buffer.alloc(NONCE * 256);
  #taken = this.#pool.length;

  take(into: Buffer, at: number): void {
    if (this.#taken === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#taken = 0;
    }
    this.#pool.copy(into, at, this.#taken, this.#taken + NONCE);
    this.#pool.fill(0, this.#taken, this.#taken + NONCE);
    this.#taken += NONCE;
  }
}
