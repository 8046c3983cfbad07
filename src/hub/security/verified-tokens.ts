import type {HubIdentity} from '../../model/hub.ts';
import type {RevocationMarks} from './revocations.ts';

/** A token whose signature and claims were good; whether it still is depends on the time, its key and what was revoked. */
export interface VerifiedToken {
  readonly identity: HubIdentity;
  readonly keyId: string;
  readonly marks: RevocationMarks;
}

/** The tokens used last, by their hash, so that a signature is computed once. Holds `size` of them at most. */
export class VerifiedTokens {
  readonly #size: number;
  /** Least recently used first. */
  readonly #byHash = new Map<string, VerifiedToken>();

  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`The cache size is ${size}: use 0 or more`);
    this.#size = size;
  }

  get(tokenHash: string): VerifiedToken | undefined {
    const found = this.#byHash.get(tokenHash);
    if (found === undefined) return undefined;
    this.#byHash.delete(tokenHash);
    this.#byHash.set(tokenHash, found);
    return found;
  }

  set(tokenHash: string, token: VerifiedToken): void {
    if (this.#size === 0) return;
    this.#byHash.delete(tokenHash);
    if (this.#byHash.size >= this.#size) {
      for (const oldest of this.#byHash.keys()) {
        this.#byHash.delete(oldest);
        break;
      }
    }
    this.#byHash.set(tokenHash, token);
  }
}
