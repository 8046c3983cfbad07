import {badOption} from '../hub-error.ts';
import type {CacheRows} from './cache-rows.ts';

/** Fingerprints of all keys that a cache was used with, between spaces. */
const KEYS = 'endToEndKeys';
/** 1: there were changes that could not be opened. */
const UNREAD = 'unread';

/** With which keys what a cache keeps is sealed end to end before it leaves, as far as fingerprints tell. Writes within a transaction of the caller's. */
export class CacheKeys {
  readonly #rows: Pick<CacheRows, 'fact' | 'setFact'>;
  #current: ReadonlySet<string> = new Set();

  constructor(rows: Pick<CacheRows, 'fact' | 'setFact'>) {
    this.#rows = rows;
  }

  get hasUnread(): boolean {
    return this.#rows.fact.get(UNREAD) === 1;
  }

  noteUnread(): void {
    if (!this.hasUnread) this.#rows.setFact.run(UNREAD, 1);
  }

  /** Throws a HubError `bad-option` unless these are the keys of those who use the cache. */
  expect(keys: readonly string[]): void {
    const isSame = keys.length === this.#current.size && keys.every(key => this.#current.has(key));
    if (!isSame) throw badOption('All who share a cache have the same endToEnd keys');
  }

  /**
   * From now on these. Answers whether one of them is new to this cache. Throws a HubError `bad-option` on none, where there were some: what
   * waits would leave the cache as it is.
   */
  use(keys: readonly string[]): 'known' | 'new' {
    const fact = this.#rows.fact.get(KEYS);
    const before = new Set(fact === undefined ? [] : String(fact).split(' '));
    if (keys.length === 0 && before.size > 0) {
      throw badOption('What is kept in this cache is sealed before it leaves it: give endToEnd with its key');
    }
    this.#current = new Set(keys);
    if (keys.every(key => before.has(key))) return 'known';
    this.#rows.setFact.run(KEYS, [...new Set([...before, ...keys])].join(' '));
    return 'new';
  }
}
