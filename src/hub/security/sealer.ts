import {createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes} from 'node:crypto';
import {fail, ok, type Result} from '../../base/result.ts';
import type {MasterKey} from './master-key.ts';
import {checkName} from './names.ts';
import {Nonces, openBytes, sealBytes, sealVersion} from './seal-format.ts';
import type {WrappedKey, WrappedKeys} from './wrapped-keys.ts';

/** tampered: changed, or another tenant's or item's. unknown-key: its key is not there or its master was not given. */
export interface SealFailure {
  readonly code: 'tampered' | 'unknown-key';
  readonly message: string;
}

export interface SealerOptions {
  /** Wraps new data keys. */
  readonly master: MasterKey;
  /** Masters that older data keys may still be wrapped by. */
  readonly olderMasters?: readonly MasterKey[];
  readonly keys: WrappedKeys;
  /** How many things one data key seals before the next takes over. */
  readonly budget?: number;
  readonly now?: () => number;
}

/** With random 96-bit nonces no key may seal more than 2^32 things (NIST SP 800-38D, 8.3); half of it is left as margin. */
const BUDGET = 2 ** 31;

/** So many uses are written down ahead, so that a crash forgets none. */
const RESERVED = 2 ** 16;

/** Keys of as many tenants are held unwrapped. */
const MAX_TENANTS = 1000;

/** No tenant has this name: what belongs to the hub itself, rows of its audit log for instance, is sealed under it. */
export const HUB_ITSELF = '';

interface TenantKeys {
  readonly byVersion: ReadonlyMap<number, KeyObject>;
  readonly current: number;
  used: number;
  reserved: number;
  /** For `mark`, from the first version, so that rotation does not change it. */
  marking: KeyObject | null;
}

/**
 * Seals what a hub stores with one data key per tenant. What is sealed opens only under the tenant and id it was sealed for. Old
 * versions of a tenant's key open for ever; the highest one seals. Holds keys, no data.
 */
export class Sealer {
  #master: MasterKey;
  readonly #masters: Map<string, MasterKey>;
  readonly #keys: WrappedKeys;
  readonly #budget: number;
  readonly #now: () => number;
  readonly #nonces = new Nonces();
  #made = 0;
  /** Unwrapped first, first. */
  readonly #tenants = new Map<string, TenantKeys>();

  constructor({master, olderMasters = [], keys, budget = BUDGET, now = Date.now}: SealerOptions) {
    if (!Number.isSafeInteger(budget) || budget < 1 || budget > 2 ** 32) {
      throw new RangeError(`The budget is ${budget}: use 1 to 2^32`);
    }
    this.#master = master;
    this.#masters = new Map([...olderMasters, master].map(each => [each.id, each]));
    this.#keys = keys;
    this.#budget = budget;
    this.#now = now;
  }

  /** Data keys made since it was. */
  get made(): number {
    return this.#made;
  }

  /** Throws when the tenant's key cannot be had: its master was not given, or it was changed. */
  seal(tenantId: string, id: string, plain: string | Uint8Array): Buffer {
    const keys = this.#forSealing(tenantId);
    const key = keys.byVersion.get(keys.current);
    if (key === undefined) throw new Error('Internal error: the current data key is not there');
    keys.used += 1;
    const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain;
    return sealBytes(bytes, {key, version: keys.current, context: contextOf(tenantId, id), nonces: this.#nonces});
  }

  /**
   * Stands for a text where it must be found again and not be read: always the same for this tenant, whatever is rotated, and nobody without
   * its key can make it from a guess. Throws as `seal` does.
   */
  mark(tenantId: string, text: string): string {
    const keys = this.#forMarking(tenantId);
    return createHmac('sha256', keys).update(text).digest('base64url');
  }

  open(tenantId: string, id: string, sealed: Uint8Array): Result<Buffer, SealFailure> {
    const version = sealVersion(sealed);
    if (version === null) return fail({code: 'tampered', message: `What is kept as ${shown(id)} is nothing sealed`});
    const found = this.#keyOf(tenantId, version);
    if (!found.ok) return found;
    const plain = openBytes(sealed, {key: found.value, context: contextOf(tenantId, id)});
    if (plain !== null) return ok(plain);
    return fail({code: 'tampered', message: `What is kept as ${shown(id)} was changed, or belongs somewhere else`});
  }

  /** A new data key for the tenant, which seals from now on. Returns its version. */
  rotateDataKey(tenantId: string): number {
    checkTenant(tenantId);
    for (;;) {
      const highest = Math.max(0, ...this.#keys.of(tenantId).map(({version}) => version));
      const facts = {tenantId, version: highest + 1, createdAtMs: this.#now()};
      // Another process may have been faster: then ours comes after its.
      if (!this.#keys.add(this.#wrap(facts, randomBytes(32)))) continue;
      this.#tenants.delete(tenantId);
      this.#made += 1;
      return facts.version;
    }
  }

  /**
   * Wraps all data keys anew, by another master key; what they have sealed stays as it is. When it is broken off, some are wrapped by the
   * old and some by the new: give both and do it again. Throws, with nothing changed, when one cannot be unwrapped. Returns how many it
   * has wrapped.
   */
  rewrap(master: MasterKey): number {
    this.#masters.set(master.id, master);
    const unwrapped = this.#keys.all().flatMap(wrapped => {
      const key = this.#unwrap(wrapped);
      if (!key.ok) throw new Error(key.failure.message);
      return wrapped.masterId === master.id ? [] : [{wrapped, key: key.value}];
    });
    // What is sealed in the meantime, by a hub that goes on after a failure, is wrapped by the new one too.
    this.#master = master;
    for (const {wrapped, key} of unwrapped) this.#keys.replace(this.#wrap(wrapped, key.export()));
    return unwrapped.length;
  }

  /** Whether every data key can be unwrapped. */
  check(): Result<void, SealFailure> {
    for (const wrapped of this.#keys.all()) {
      const key = this.#unwrap(wrapped);
      if (!key.ok) return key;
    }
    return ok(undefined);
  }

  #forSealing(tenantId: string): TenantKeys {
    let keys = this.#tenant(tenantId);
    if (keys.current === 0 || keys.used >= this.#budget) {
      this.rotateDataKey(tenantId);
      keys = this.#tenant(tenantId);
    }
    if (keys.used >= keys.reserved) {
      keys.reserved = Math.min(this.#budget, keys.used + RESERVED);
      this.#keys.setUsed(tenantId, keys.current, keys.reserved);
    }
    return keys;
  }

  #forMarking(tenantId: string): KeyObject {
    if (this.#tenant(tenantId).current === 0) this.rotateDataKey(tenantId);
    const keys = this.#tenant(tenantId);
    const first = keys.byVersion.get(Math.min(...keys.byVersion.keys()));
    if (first === undefined) throw new Error('Internal error: the first data key is not there');
    keys.marking ??= createSecretKey(Buffer.from(hkdfSync('sha256', first, '', 'godel mark 1', 32)));
    return keys.marking;
  }

  #keyOf(tenantId: string, version: number): Result<KeyObject, SealFailure> {
    const known = this.#tenants.get(tenantId)?.byVersion.get(version);
    if (known !== undefined) return ok(known);
    const wrapped = this.#keys.of(tenantId).find(each => each.version === version);
    if (wrapped !== undefined) {
      const key = this.#unwrap(wrapped);
      // Made by another process since ours were read: read them again next time.
      if (key.ok) this.#tenants.delete(tenantId);
      return key;
    }
    return fail({code: 'unknown-key', message: `There is no data key ${version} of the tenant ${shown(tenantId)}`});
  }

  #tenant(tenantId: string): TenantKeys {
    const known = this.#tenants.get(tenantId);
    if (known !== undefined) return known;
    checkTenant(tenantId);
    const byVersion = new Map<number, KeyObject>();
    for (const wrapped of this.#keys.of(tenantId)) {
      const key = this.#unwrap(wrapped);
      if (!key.ok) throw new Error(key.failure.message);
      byVersion.set(wrapped.version, key.value);
    }
    const current = Math.max(0, ...byVersion.keys());
    // What an earlier process reserved it may have used.
    const used = current === 0 ? 0 : this.#keys.used(tenantId, current);
    const keys = {byVersion, current, used, reserved: used, marking: null};
    if (this.#tenants.size >= MAX_TENANTS) {
      for (const oldest of this.#tenants.keys()) {
        this.#tenants.delete(oldest);
        break;
      }
    }
    this.#tenants.set(tenantId, keys);
    return keys;
  }

  #wrap(facts: Pick<WrappedKey, 'tenantId' | 'version' | 'createdAtMs'>, bytes: Uint8Array): WrappedKey {
    const {tenantId, version, createdAtMs} = facts;
    const context = wrapContext({tenantId, version, masterId: this.#master.id});
    const sealed = sealBytes(bytes, {key: this.#master.key, version: 0, context, nonces: this.#nonces});
    return {tenantId, version, masterId: this.#master.id, wrapped: sealed.toString('base64url'), createdAtMs};
  }

  #unwrap(wrapped: WrappedKey): Result<KeyObject, SealFailure> {
    const {tenantId, version, masterId} = wrapped;
    const what = `The data key ${version} of the tenant ${shown(tenantId)}`;
    const master = this.#masters.get(masterId);
    if (master === undefined) {
      const message = `${what} is wrapped by the master key ${shown(masterId)}, not by ${this.#master.id}: give that one, too`;
      return fail({code: 'unknown-key', message});
    }
    const bytes = openBytes(Buffer.from(wrapped.wrapped, 'base64url'), {
      key: master.key,
      context: wrapContext(wrapped),
    });
    if (bytes?.length === 32) return ok(createSecretKey(bytes));
    return fail({code: 'tampered', message: `${what} was changed: restore it from a backup`});
  }
}

function checkTenant(tenantId: string): void {
  if (tenantId !== HUB_ITSELF) checkName(tenantId, 'The name of the tenant');
}

function contextOf(tenantId: string, id: string): readonly string[] {
  return ['godel-item', tenantId, id];
}

function wrapContext({tenantId, version, masterId}: Pick<WrappedKey, 'tenantId' | 'version' | 'masterId'>) {
  return ['godel-data-key', tenantId, String(version), masterId];
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
