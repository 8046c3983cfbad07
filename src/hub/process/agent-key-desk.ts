import {existsSync} from 'node:fs';
import {GodelError} from '../../model/failure.ts';
import type {KeysWanted} from '../server/parts/compose-hub.ts';
import {hubFolder} from '../server/parts/hub-folder.ts';
import type {ListedKey} from '../server/store/credentials.ts';
import {openHubStore} from '../server/store/open-hub-store.ts';
import type {SqliteHubStore} from '../server/store/sqlite-hub-store.ts';
import {askHub, type ControlAnswer, type ControlRequest, type KeysDoomed} from './control.ts';
import {sealOf} from './keepings.ts';

const LISTED = 10_000;

interface Hub {
  /** Absolute. */
  readonly dbPath: string;
  readonly masterKeyFile: string | null;
}

/** The keys that agents have made known: asks the hub that runs, or looks into its database where none does. */
export async function listAgentKeys(hub: Hub, wanted: KeysWanted): Promise<readonly ListedKey[]> {
  const answered = await ask(hub, {do: 'list-keys', wanted});
  if (answered?.kind === 'keys') return answered.keys;
  const {tenantId: tenant = null, agentId: agent = null, limit = LISTED} = wanted;
  return withStore(hub, store => store.credentials.listKeys({tenant, agent, limit}));
}

/** The keys that are gone. */
export async function removeAgentKeys(hub: Hub, doomed: KeysDoomed): Promise<readonly string[]> {
  const answered = await ask(hub, {do: 'remove-keys', ...doomed});
  if (answered?.kind === 'removed') return answered.publicKeys;
  const {tenantId: tenant, agentId, publicKey} = doomed;
  return withStore(hub, store => {
    const removed = store.credentials.removeKeys(tenant, agentId, publicKey) ?? [];
    const said = {atMs: Date.now(), tenant, who: 'operator', what: 'key-removed'};
    for (const gone of removed) store.audit.add({...said, detail: {agentId, publicKey: gone}});
    const flushed = store.flush();
    if (flushed.ok) return removed;
    const hint = 'Make room on its disk, and try again.';
    throw new GodelError({reason: 'store-unusable', path: store.file, detail: flushed.failure.detail, hint});
  });
}

async function ask({dbPath}: Hub, request: ControlRequest): Promise<ControlAnswer | null> {
  const answered = await askHub(hubFolder(dbPath).control, request);
  if (answered?.kind === 'failed') throw new GodelError(answered.failure);
  return answered;
}

async function withStore<T>({dbPath, masterKeyFile}: Hub, body: (store: SqliteHubStore) => T): Promise<T> {
  if (!existsSync(dbPath)) {
    const hint = 'Name it with --db, or start a hub with `godel hub serve`.';
    throw new GodelError({reason: 'store-unusable', path: dbPath, detail: 'it is not there', hint});
  }
  const store = openHubStore({file: dbPath, seal: await sealOf(dbPath, masterKeyFile)});
  if (!store.ok) throw new GodelError(store.failure);
  try {
    return body(store.value);
  } finally {
    store.value.close();
  }
}
