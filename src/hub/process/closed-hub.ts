import {existsSync} from 'node:fs';
import {GodelError} from '../../model/failure.ts';
import type {Sealed} from '../server/parts/seal-changes.ts';
import {openHubStore} from '../server/store/open-hub-store.ts';
import {dataKeysOf} from './keepings.ts';
import type {MasterKeySources} from './master-keys.ts';

/** A hub, whether it runs or not. */
export interface HubPlace {
  /** Absolute. */
  readonly dbPath: string;
  /** null: it is not sealed, or runs and has been given it. */
  readonly masterKeys: MasterKeySources | null;
}

/** Opens the database of a hub that does not run; none can be started meanwhile. Rejects with a `GodelError`. */
export async function withClosedHub<T>({dbPath, masterKeys}: HubPlace, body: (hub: Sealed) => T): Promise<T> {
  if (!existsSync(dbPath)) {
    const hint = 'Name it with --db, or start a hub with `godel hub serve`.';
    throw new GodelError({reason: 'store-unusable', path: dbPath, detail: 'it is not there', hint});
  }
  const dataKeys = await dataKeysOf(dbPath, masterKeys);
  const store = openHubStore({file: dbPath, seal: dataKeys?.sealer ?? null});
  if (!store.ok) throw new GodelError(store.failure);
  try {
    return body({store: store.value, dataKeys});
  } finally {
    store.value.close();
  }
}
