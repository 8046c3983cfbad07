import type {MasterKey} from '../../security/master-key.ts';
import {Sealer} from '../../security/sealer.ts';
import {type WrappedKey, WrappedKeyFolder, type WrappedKeys} from '../../security/wrapped-keys.ts';
import type {Credentials} from '../store/credentials.ts';

export interface Sealing {
  /** Wraps the data keys of tenants; never kept beside what it protects. */
  readonly masterKey: MasterKey;
  /** Masters that older data keys may still be wrapped by. */
  readonly olderMasterKeys?: readonly MasterKey[];
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

  /** Makes the folder. Throws with the fix when others may use it. */
  constructor(folder: string, {masterKey, olderMasterKeys = []}: Sealing) {
    this.#folder = new WrappedKeyFolder(folder);
    this.sealer = new Sealer({master: masterKey, olderMasters: olderMasterKeys, keys: this.#folder});
  }

  /** Copies what is new, when there are other tenants than the last time or `isDue`. Durable with the next commit. */
  copy(credentials: Pick<Credentials, 'setDataKey'>, tenants: number, isDue = false): void {
    if (tenants === this.#tenants && !isDue) return;
    this.#tenants = tenants;
    for (const key of this.#folder.all()) {
      const name = `${key.tenantId}\0${key.version}\0${key.masterId}`;
      if (this.#copied.has(name)) continue;
      credentials.setDataKey(key);
      this.#copied.add(name);
    }
  }
}

/** For reading what is sealed in a backup: the keys are those that stand in it. Seals nothing. */
export function openingSealer(masterKey: MasterKey, keys: readonly WrappedKey[]): Sealer {
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
  return new Sealer({master: masterKey, keys: listed});
}
