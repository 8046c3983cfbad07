import {existsSync} from 'node:fs';
import {type Failure, GodelError} from '../../../model/failure.ts';
import type {MasterKey} from '../../security/master-key.ts';
import {Sealer} from '../../security/sealer.ts';
import {type WrappedKey, WrappedKeyFolder, type WrappedKeys} from '../../security/wrapped-keys.ts';
import {readDataKeys} from '../store/backup.ts';
import type {Credentials} from '../store/credentials.ts';
import {hubFolder} from './hub-folder.ts';

export interface Sealing {
  /** Wraps the data keys of tenants; never kept beside what it protects. */
  readonly masterKey: MasterKey;
  /** Masters that older data keys may still be wrapped by. */
  readonly olderMasterKeys?: readonly MasterKey[];
}

/** A data key that seals from now on. */
export interface RotatedKey {
  /** Empty: of the hub itself. */
  readonly tenantId: string;
  readonly version: number;
}

/**
 * Data keys of tenants in a folder, and copies of them, wrapped as they are, in the database: a backup opens with nothing but the
 * master key.
 */
export class DataKeys {
  readonly sealer: Sealer;
  readonly #folder: WrappedKeyFolder;
  readonly #copied = new Set<string>();
  #tenants = -1;
  #made = -1;

  /** Makes the folder. Throws with the fix when others may use it. */
  constructor(folder: string, {masterKey, olderMasterKeys = []}: Sealing) {
    this.#folder = new WrappedKeyFolder(folder);
    this.sealer = new Sealer({master: masterKey, olderMasters: olderMasterKeys, keys: this.#folder});
  }

  /**
   * Those of the hub over this database (absolute); of one that came without the folder, from the copies in it. Throws a `GodelError` when
   * these master keys do not open all of them.
   */
  static open(dbPath: string, sealing: Sealing): DataKeys {
    const keys = new DataKeys(hubFolder(dbPath).dataKeys, sealing);
    if (keys.#folder.all().length === 0 && existsSync(dbPath))
      for (const key of copiesIn(dbPath)) keys.#folder.add(key);
    const checked = keys.sealer.check();
    if (!checked.ok) throw new GodelError(isOtherKey(dbPath, checked.failure.message));
    return keys;
  }

  /** A new key for the tenant, null: for each that has one. Empty: there is none. */
  rotate(tenantId: string | null): readonly RotatedKey[] {
    const tenants = new Set(this.#folder.all().map(key => key.tenantId));
    const chosen = tenantId === null ? [...tenants].toSorted() : [tenantId].filter(each => tenants.has(each));
    return chosen.map(each => ({tenantId: each, version: this.sealer.rotateDataKey(each)}));
  }

  /** How many were wrapped by another master key before. */
  rewrap(master: MasterKey): number {
    return this.sealer.rewrap(master);
  }

  /** What was copied is not in the database after all. */
  copyAnew(): void {
    this.#copied.clear();
    this.#tenants = -1;
  }

  /** Copies what is new, when there are other tenants or keys than the last time, or `isDue`. Durable with the next commit. */
  copy(credentials: Pick<Credentials, 'setDataKey'>, tenants: number, isDue = false): void {
    const {made} = this.sealer;
    if (tenants === this.#tenants && made === this.#made && !isDue) return;
    this.#tenants = tenants;
    this.#made = made;
    for (const key of this.#folder.all()) {
      const name = `${key.tenantId}\0${key.version}\0${key.masterId}`;
      if (this.#copied.has(name)) continue;
      credentials.setDataKey(key);
      this.#copied.add(name);
    }
  }
}

/** For reading what is sealed in a backup: the keys are those that stand in it. Seals nothing. */
export function openingSealer({masterKey, olderMasterKeys = []}: Sealing, keys: readonly WrappedKey[]): Sealer {
  const refuse = () => {
    throw new Error('Internal error: a backup is only read');
  };
  const listed: WrappedKeys = {
    of: tenantId => keys.filter(key => key.tenantId === tenantId),
    all: () => keys,
    add: refuse,
    replace: refuse,
    used: () => 0,
    setUsed: refuse,
  };
  return new Sealer({master: masterKey, olderMasters: olderMasterKeys, keys: listed});
}

/** Whatever is wrong with the database is told when it is opened. */
function copiesIn(dbPath: string): readonly WrappedKey[] {
  try {
    return readDataKeys(dbPath);
  } catch {
    return [];
  }
}

function isOtherKey(path: string, detail: string): Failure {
  const hint =
    'Start with the key that its data keys are wrapped by; where a rewrap was broken off, give the older one with --older-master-key-file, too.';
  return {reason: 'store-unusable', path, detail: `it is sealed, and not by this master key alone: ${detail}`, hint};
}
