import {join} from 'node:path';
import {IssuedTokens, type IssuedToken} from './issued-tokens.ts';
import {agentMark, type Revocation, Revocations, type Revoked, tokenMark} from './revocations.ts';
import {OperatorNotes} from './operator-notes.ts';
import {FolderShelf, MemoryShelf, type Shelf} from './shelf.ts';
import {newTokenKey, readTokenKey, type TokenAlgorithm, type TokenKey, writeTokenKey} from './token-key.ts';

/** No token lives longer than this, in milliseconds; so no revocation need be kept longer. */
export const MAX_TOKEN_LIFETIME_MS = 90 * 86_400_000;

/** As many keys may verify at once. */
const MAX_KEYS = 1000;

/** What is said of a key, without the key. */
export interface TokenKeyFacts {
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  readonly createdAtMs: number;
  /** When it verifies no longer; null: not as long as it is the youngest. */
  readonly endsAtMs: number | null;
  readonly signs: boolean;
}

export interface TokenList {
  readonly keys: readonly TokenKeyFacts[];
  readonly issued: readonly (IssuedToken & {readonly revoked: boolean})[];
  readonly revocations: readonly Revocation[];
}

interface Opened {
  readonly algorithm?: TokenAlgorithm;
  readonly nowMs?: number;
}

/**
 * The keys that sign and verify the hub's tokens, what was revoked, and what was given out. Several processes may use one
 * folder at the same time: files are only added, the youngest key signs, and the others verify until their end.
 */
export class TokenKeys {
  readonly #keyShelf: Shelf;
  readonly #issued: IssuedTokens;
  readonly #revocations: Revocations;
  readonly #notes: OperatorNotes;
  /** Youngest first. */
  #keys: readonly TokenKey[] = [];
  #byId: ReadonlyMap<string, {key: TokenKey; endsAtMs: number}> = new Map();
  #stamp = '';

  private constructor(shelf: (name: string) => Shelf) {
    this.#keyShelf = shelf('keys');
    this.#issued = new IssuedTokens(shelf('issued'));
    this.#revocations = new Revocations(shelf('revoked'));
    this.#notes = new OperatorNotes(shelf('notes'));
  }

  /**
   * Those of a folder, which is made with a first key when there is none. Throws with the fix when others may read it or a file of
   * it is broken.
   */
  static open(folder: string, options: Opened = {}): TokenKeys {
    // The folder itself is checked before those in it.
    new FolderShelf(folder);
    return new TokenKeys(name => new FolderShelf(join(folder, name))).#start(options);
  }

  /** Gone with the process. */
  static inMemory(options: Opened = {}): TokenKeys {
    return new TokenKeys(() => new MemoryShelf()).#start(options);
  }

  /** The key that new tokens are signed with. */
  get signing(): TokenKey {
    const [youngest] = this.#keys;
    if (youngest === undefined) throw new Error('There is no token key any more: run godel hub token rotate');
    return youngest;
  }

  /** The key with this id while it may verify; null otherwise. */
  verifying(id: string, nowMs: number): TokenKey | null {
    const found = this.#byId.get(id);
    return found !== undefined && nowMs < found.endsAtMs ? found.key : null;
  }

  get revocations(): Pick<Revocations, 'refuses'> {
    return this.#revocations;
  }

  /**
   * Adds a key, which signs from now on. What older keys have signed is taken for `olderLiveMs` more (default: as long as any token
   * may live; 0: not at all, for when a key may have been stolen).
   */
  rotate({
    algorithm = this.#keys[0]?.algorithm ?? 'EdDSA',
    olderLiveMs = MAX_TOKEN_LIFETIME_MS,
    nowMs = Date.now(),
  }: {
    readonly algorithm?: TokenAlgorithm | undefined;
    readonly olderLiveMs?: number;
    readonly nowMs?: number;
  } = {}): TokenKeyFacts {
    if (!Number.isSafeInteger(olderLiveMs) || olderLiveMs < 0) {
      throw new RangeError(`olderLiveMs is ${olderLiveMs}: use 0 or a whole number of milliseconds`);
    }
    this.refresh();
    this.#removeEnded(nowMs);
    if (olderLiveMs > 0 && this.#keyShelf.names().length >= MAX_KEYS) {
      throw new RangeError(
        `${MAX_KEYS} keys verify, which is the most: rotate with olderLiveMs 0 to end the older ones`,
      );
    }
    // Younger than all others even when the clock was set back.
    const createdAtMs = Math.max(nowMs, (this.#keys[0]?.createdAtMs ?? 0) + 1);
    const key = newTokenKey({algorithm, createdAtMs, olderLiveMs});
    this.#keyShelf.add(fileOf(key.id), writeTokenKey(key));
    this.refresh();
    const detail = {key: key.id, algorithm, olderLiveMs};
    this.#notes.add({atMs: nowMs, tenant: null, what: 'rotate-token-key', detail});
    return this.#factsOf(key);
  }

  /**
   * Refuses one token, or all that an agent was given up to this second. `expiresAtMs` is when the token ends by itself; unless known, it is
   * taken to live as long as any may. Throws RangeError when too many revocations are in force.
   */
  revoke(
    revoked: Revoked,
    {nowMs = Date.now(), expiresAtMs}: {readonly nowMs?: number; readonly expiresAtMs?: number} = {},
  ): Revocation {
    const longest = nowMs + MAX_TOKEN_LIFETIME_MS;
    const known =
      expiresAtMs ?? (revoked.kind === 'token' ? this.#issued.byId(revoked.tokenId)?.expiresAtMs : undefined);
    const revocation = {...revoked, atMs: nowMs, endsAtMs: Math.min(longest, known ?? longest)};
    if (revocation.endsAtMs > nowMs) this.#revocations.add(revocation);
    const of = revoked.kind === 'token' ? this.#issued.byId(revoked.tokenId) : revoked;
    const detail = {agentId: of?.agentId ?? null, ...(revoked.kind === 'token' && {tokenId: revoked.tokenId})};
    this.#notes.add({atMs: nowMs, tenant: of?.tenantId ?? null, what: 'revoke-token', detail});
    return revocation;
  }

  /** Remembers a token that was given out. Throws RangeError when too many are remembered. */
  record(token: IssuedToken): void {
    this.#issued.record(token);
    const {tokenId, agentId, tenantId: tenant, role, expiresAtMs} = token;
    // The token itself knows seconds only.
    this.#notes.add({atMs: Date.now(), tenant, what: 'create-token', detail: {agentId, tokenId, role, expiresAtMs}});
  }

  /** All that is in force. */
  list(nowMs = Date.now()): TokenList {
    this.refresh();
    return {
      keys: this.#keys.filter(({id}) => this.verifying(id, nowMs)).map(key => this.#factsOf(key)),
      issued: this.#issued.list(nowMs).map(token => ({...token, revoked: this.#refuses(token)})),
      revocations: this.#revocations.list(nowMs),
    };
  }

  /** Takes in what other processes have added; cheap when they have not. */
  refresh(): void {
    this.#revocations.refresh();
    const stamp = this.#keyShelf.stamp();
    if (stamp === this.#stamp) return;
    const keys = this.#keyShelf.names().flatMap(name => this.#known(name) ?? this.#readKey(name) ?? []);
    // Two of the same millisecond are in the same order for everybody.
    this.#keys = keys.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
    this.#byId = withEnds(this.#keys);
    this.#stamp = stamp;
  }

  /** Oldest first: a key is gone for good before that which has ended it, so that it never verifies again. */
  #removeEnded(nowMs: number): void {
    for (const {id} of this.#keys.toReversed()) {
      if (this.verifying(id, nowMs) !== null) continue;
      this.#keyShelf.remove(fileOf(id));
      this.#keyShelf.settle();
    }
  }

  #known(name: string): TokenKey | undefined {
    return this.#byId.get(name.replace(/\.json$/, ''))?.key;
  }

  #readKey(name: string): TokenKey | null {
    if (!name.endsWith('.json')) return null;
    const text = this.#keyShelf.read(name);
    if (text === null) return null;
    const key = readTokenKey(text, name);
    if (fileOf(key.id) !== name) throw new Error(`${name} holds the key ${key.id}: name it ${fileOf(key.id)}`);
    return key;
  }

  #factsOf({id, algorithm, createdAtMs}: TokenKey): TokenKeyFacts {
    const ends = this.#byId.get(id)?.endsAtMs ?? Number.POSITIVE_INFINITY;
    return {
      id,
      algorithm,
      createdAtMs,
      endsAtMs: Number.isFinite(ends) ? ends : null,
      signs: this.#keys[0]?.id === id,
    };
  }

  #refuses(token: IssuedToken): boolean {
    const issuedAtS = Math.floor(token.issuedAtMs / 1000);
    return this.#revocations.refuses({token: tokenMark(token.tokenId), agent: agentMark(token), issuedAtS});
  }

  #start({algorithm, nowMs}: Opened): this {
    this.refresh();
    if (this.#keys.length === 0) this.rotate({algorithm, ...(nowMs === undefined ? {} : {nowMs})});
    return this;
  }
}

function fileOf(id: string): string {
  return `${id}.json`;
}

/** A key ends when any younger one says so. */
function withEnds(keys: readonly TokenKey[]): ReadonlyMap<string, {key: TokenKey; endsAtMs: number}> {
  let endsAtMs = Number.POSITIVE_INFINITY;
  const byId = new Map<string, {key: TokenKey; endsAtMs: number}>();
  for (const key of keys) {
    byId.set(key.id, {key, endsAtMs});
    endsAtMs = Math.min(endsAtMs, key.createdAtMs + key.olderLiveMs);
  }
  return byId;
}
