import {crc32} from 'node:zlib';
import type {Result} from '../../../base/result.ts';
import {type Failure, GodelError} from '../../../model/failure.ts';

/** Encrypts what the hub keeps. Tenant and id are bound to the bytes: sealed for another one they do not open. */
export interface Seal {
  seal(tenant: string, id: string, plain: string | Uint8Array): Buffer;
  /** Fails when the bytes were altered, belong to another tenant or id, or their key is not there. */
  open(tenant: string, id: string, sealed: Uint8Array): Result<Buffer, {readonly message: string}>;
  /** Stands for a text that rows are found by: always the same in one tenant, and says nothing to who has no key. */
  mark(tenant: string, text: string): string;
}

/** Text as it is, or sealed bytes. */
export type Body = string | Buffer;

/** Turns texts and bytes into what is stored, and back. */
export class Bodies {
  readonly #seal: Seal | null;

  constructor(seal: Seal | null) {
    this.#seal = seal;
  }

  write(tenant: string, id: string, text: string): Body {
    return this.#seal === null ? text : this.#seal.seal(tenant, id, text);
  }

  writeBytes(tenant: string, id: string, bytes: Buffer): Buffer {
    return this.#seal === null ? bytes : this.#seal.seal(tenant, id, bytes);
  }

  /** The text, or what stands for it where it must not be read. */
  mark(tenant: string, text: string): string {
    return this.#seal === null ? text : this.#seal.mark(tenant, text);
  }

  /** Throws a `GodelError` when the body does not open. */
  read(tenant: string, id: string, body: Body): string {
    return typeof body === 'string' ? body : this.readBytes(tenant, id, body).toString();
  }

  readBytes(tenant: string, id: string, body: Buffer): Buffer {
    if (this.#seal === null) return body;
    const opened = this.#seal.open(tenant, id, body);
    if (opened.ok) return opened.value;
    throw damaged(`what is kept as "${id}" of tenant "${tenant}" does not open: ${opened.failure.message}`);
  }
}

/** CRC-32 over id and body, so that a row that was swapped is noticed as well as one that was altered. */
export function checksum(id: string, body: Body): number {
  return crc32(body, crc32(id));
}

export function byteLength(body: Body): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}

/** Something in the database is not what was written there. */
export function damaged(what: string): GodelError {
  const failure: Failure = {
    reason: 'store-unusable',
    path: "the hub's database",
    detail: `it is damaged: ${what}`,
    hint: 'See what else is with `godel hub verify`, and put back a backup with `godel hub restore`.',
  };
  return new GodelError(failure);
}
