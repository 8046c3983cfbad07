import {GodelError} from '../../model/failure.ts';
import type {KeysWanted} from '../server/parts/compose-hub.ts';
import {hubFolder} from '../server/parts/hub-folder.ts';
import type {ListedKey} from '../server/store/credentials.ts';
import {type HubPlace, withClosedHub} from './closed-hub.ts';
import {askHub, type ControlAnswer, type ControlRequest, type KeysDoomed} from './control.ts';

const LISTED = 10_000;

/** The keys that agents have made known: asks the hub that runs, or looks into its database where none does. */
export async function listAgentKeys(hub: HubPlace, wanted: KeysWanted): Promise<readonly ListedKey[]> {
  const answered = await ask(hub, {do: 'list-keys', wanted});
  if (answered?.kind === 'keys') return answered.keys;
  const {tenantId: tenant = null, agentId: agent = null, limit = LISTED} = wanted;
  return withClosedHub(hub, ({store}) => store.credentials.listKeys({tenant, agent, limit}));
}

/** The keys that are gone. */
export async function removeAgentKeys(hub: HubPlace, doomed: KeysDoomed): Promise<readonly string[]> {
  const answered = await ask(hub, {do: 'remove-keys', ...doomed});
  if (answered?.kind === 'removed') return answered.publicKeys;
  const {tenantId: tenant, agentId, publicKey} = doomed;
  return withClosedHub(hub, ({store}) => {
    const removed = store.credentials.removeKeys(tenant, agentId, publicKey) ?? [];
    const said = {atMs: Date.now(), tenant, who: 'operator', what: 'key-removed'};
    for (const gone of removed) store.audit.add({...said, detail: {agentId, publicKey: gone}});
    const flushed = store.flush();
    if (flushed.ok) return removed;
    const hint = 'Make room on its disk, and try again.';
    throw new GodelError({reason: 'store-unusable', path: store.file, detail: flushed.failure.detail, hint});
  });
}

async function ask({dbPath}: HubPlace, request: ControlRequest): Promise<ControlAnswer | null> {
  const answered = await askHub(hubFolder(dbPath).control, request);
  if (answered?.kind === 'failed') throw new GodelError(answered.failure);
  return answered;
}
