import {randomFillSync} from 'node:crypto';

const POOL = 16 * 256;

/**
 * Makes UUIDs of version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 12 bits of a counter, 62 random bits. Ids of one maker
 * ascend, also when the clock goes back; a full counter borrows the next millisecond (RFC 9562, 6.2, method 1).
 */
export class UuidV7Maker {
  readonly #wallMs: () => number;
  readonly #pool = Buffer.allocUnsafe(POOL);
  #taken = POOL;
  #ms = 0;
  #counter = 0;

  /** `wallMs`: Unix epoch, milliseconds. */
  constructor(wallMs: () => number = Date.now) {
    this.#wallMs = wallMs;
  }

  next(): string {
    this.#tick();
    if (this.#taken === POOL) {
      randomFillSync(this.#pool);
      this.#taken = 0;
    }
    const at = this.#taken;
    this.#taken += 16;
    const pool = this.#pool;
    pool.writeUIntBE(this.#ms, at, 6);
    pool.writeUInt16BE(0x7000 | this.#counter, at + 6);
    pool.writeUInt8(0x80 | (pool.readUInt8(at + 8) & 0x3f), at + 8);
    const hex = pool.toString('hex', at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  #tick(): void {
    const now = Math.floor(this.#wallMs());
    if (now > this.#ms) {
      this.#ms = now;
      this.#counter = 0;
    } else if (this.#counter < 0xfff) this.#counter += 1;
    else {
      this.#ms += 1;
      this.#counter = 0;
    }
  }
}

/** One per process, so that ids that were made at the same time ascend too. It holds nothing of anybody. */
const MAKER = new UuidV7Maker();

export function uuidV7(): string {
  return MAKER.next();
}
