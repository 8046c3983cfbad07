import type {HubRole} from '../../model/hub.ts';
import {tokenMark} from './revocations.ts';
import type {Shelf} from './shelf.ts';

/** A token that was given to somebody by hand; the token itself is nowhere kept. */
export interface IssuedToken {
  readonly tokenId: string;
  readonly agentId: string;
  readonly tenantId: string;
  readonly role: HubRole;
  /** Unix epoch, milliseconds, as the next. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** As many are remembered at once. */
const MAX_ISSUED = 10_000;

/** Which tokens were given out, until they expire. */
export class IssuedTokens {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** Throws RangeError when too many are remembered. */
  record(token: IssuedToken): void {
    for (const name of this.#shelf.names()) {
      if (endOf(name) <= token.issuedAtMs) this.#shelf.remove(name);
    }
    if (this.#shelf.names().length >= MAX_ISSUED) {
      throw new RangeError(`${MAX_ISSUED} tokens are given out, which is the most: wait until some expire`);
    }
    this.#shelf.add(`${token.expiresAtMs}.${tokenMark(token.tokenId)}`, `${JSON.stringify(token)}\n`);
  }

  byId(tokenId: string): IssuedToken | null {
    const mark = tokenMark(tokenId);
    const name = this.#shelf.names().find(each => each.endsWith(`.${mark}`));
    return name === undefined ? null : this.#read(name);
  }

  /** Those that have not expired. */
  list(nowMs: number): readonly IssuedToken[] {
    return this.#shelf.names().flatMap(name => (endOf(name) > nowMs ? (this.#read(name) ?? []) : []));
  }

  #read(name: string): IssuedToken | null {
    const text = this.#shelf.read(name);
    // Written by `record` only, in a folder that is ours alone.
    return text === null ? null : (JSON.parse(text) as IssuedToken);
  }
}

function endOf(name: string): number {
  return Number(name.split('.', 1)[0]);
}
