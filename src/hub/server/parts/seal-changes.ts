import {GodelError} from '../../../model/failure.ts';
import type {MasterKey} from '../../security/master-key.ts';
import {HUB_ITSELF} from '../../security/sealer.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';
import type {DataKeys, RotatedKey} from './data-keys.ts';

export interface Sealed {
  readonly store: SqliteHubStore;
  /** null: it is not sealed. */
  readonly dataKeys: DataKeys | null;
}

/** Whoever runs the hub, in the audit log. */
const OPERATOR = 'operator';

/**
 * A new data key for the tenant, null: for each. The key is in the folder before anything is sealed by it; a hub that is killed before the
 * copy is in the database makes that at its next start. Throws a `GodelError` where there is nothing to rotate.
 */
export function rotateDataKeys(sealed: Sealed, tenantId: string | null): readonly RotatedKey[] {
  const dataKeys = keysOf(sealed);
  const rotated = dataKeys.rotate(tenantId);
  if (rotated.length === 0 && tenantId !== null) {
    const message = `the tenant ${JSON.stringify(tenantId.slice(0, 60))} has no data key`;
    throw new GodelError({reason: 'usage', message, hint: 'A tenant has one once something of it is kept.'});
  }
  const said = {atMs: Date.now(), who: OPERATOR, what: 'data-key-rotated'};
  for (const {tenantId: of, version} of rotated) {
    sealed.store.audit.add({...said, tenant: of === HUB_ITSELF ? null : of, detail: {version}});
  }
  keep(sealed.store, dataKeys);
  return rotated;
}

/**
 * Wraps all data keys by another master key; how many were wrapped by another before. Each file is whole at any time; when it is broken off,
 * some need the old key and some the new, and doing it again with both goes on. Throws, with nothing changed, when one cannot be unwrapped.
 */
export function rewrapDataKeys(sealed: Sealed, master: MasterKey): number {
  const dataKeys = keysOf(sealed);
  const keys = dataKeys.rewrap(master);
  const detail = {masterKey: master.id, keys};
  sealed.store.audit.add({atMs: Date.now(), tenant: null, who: OPERATOR, what: 'data-keys-rewrapped', detail});
  keep(sealed.store, dataKeys);
  return keys;
}

function keysOf({store, dataKeys}: Sealed): DataKeys {
  if (dataKeys !== null) return dataKeys;
  const hint = 'A database is sealed from its beginning: start a hub over a new one with a master key.';
  throw new GodelError({reason: 'usage', message: `what is in ${store.file} is not sealed`, hint});
}

/** The database has the same keys as the folder, and what it had before is neither in it nor in the log beside it. */
function keep(store: SqliteHubStore, dataKeys: DataKeys): void {
  dataKeys.copy(store.credentials, store.tenants(), true);
  const flushed = store.flush();
  if (flushed.ok) return;
  dataKeys.copyAnew();
  const hint = 'Make room on its disk, and try again: the keys are changed, but the copies for backups are not.';
  throw new GodelError({reason: 'store-unusable', path: store.file, detail: flushed.failure.detail, hint});
}
