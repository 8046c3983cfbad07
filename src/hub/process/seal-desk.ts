import {GodelError} from '../../model/failure.ts';
import type {MasterKeySource} from '../security/master-key.ts';
import type {RotatedKey} from '../server/parts/data-keys.ts';
import {hubFolder} from '../server/parts/hub-folder.ts';
import {rewrapDataKeys, rotateDataKeys} from '../server/parts/seal-changes.ts';
import {type HubPlace, withClosedHub} from './closed-hub.ts';
import {askHub, type ControlRequest} from './control.ts';
import {told} from './hub-failure.ts';
import {readKey} from './master-keys.ts';

/** New data keys, null: of all tenants, at the hub that runs or in the database of one that does not. */
export function rotateSeal(hub: HubPlace, tenantId: string | null): Promise<readonly RotatedKey[]> {
  return told({where: hub.dbPath}, async () => {
    const answered = await ask(hub, {do: 'rotate-data-keys', tenantId});
    return answered?.kind === 'rotated'
      ? answered.keys
      : withClosedHub(hub, sealed => rotateDataKeys(sealed, tenantId));
  });
}

export interface Rewrapped {
  /** The id of the master key that opens the data keys from now on. */
  readonly masterKey: string;
  /** Data keys that another one had wrapped. */
  readonly count: number;
}

export function rewrapSeal(hub: HubPlace, to: MasterKeySource): Promise<Rewrapped> {
  return told({where: hub.dbPath}, async () => {
    const master = await readKey(to);
    const key = master.key.export().toString('base64');
    const answered = await ask(hub, {do: 'rewrap-data-keys', key});
    if (answered?.kind === 'rewrapped') return {masterKey: master.id, count: answered.count};
    const {dbPath, masterKeys} = hub;
    // Of a rewrap that was broken off some are wrapped by the new one already.
    const both = masterKeys && {...masterKeys, older: [...masterKeys.older, to]};
    const count = await withClosedHub({dbPath, masterKeys: both}, sealed => rewrapDataKeys(sealed, master));
    return {masterKey: master.id, count};
  });
}

async function ask({dbPath}: HubPlace, request: ControlRequest) {
  const answered = await askHub(hubFolder(dbPath).control, request);
  if (answered?.kind === 'failed') throw new GodelError(answered.failure);
  return answered;
}
