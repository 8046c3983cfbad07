import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {fail, type Result} from '../../base/result.ts';
import type {Failure} from '../../model/failure.ts';
import {OperatorNotes} from '../security/operator-notes.ts';
import {FolderShelf} from '../security/shelf.ts';
import {WrappedKeyFolder} from '../security/wrapped-keys.ts';
import {DataKeys, openingSealer} from '../server/parts/data-keys.ts';
import {hubFolder} from '../server/parts/hub-folder.ts';
import {NOTES} from '../server/parts/noted.ts';
import {readDataKeys, restoreHubStore, verifyHubStore} from '../server/store/backup.ts';
import {openHubStore} from '../server/store/open-hub-store.ts';
import type {VerifyReport} from '../server/store/verify.ts';
import {askHub} from './control.ts';
import {type MasterKeySources, sealingOf} from './master-keys.ts';

/** Asks the hub that runs to make a backup, or makes it where none runs. `file` must be absolute, as all paths here. */
export async function backUpHub(options: {
  readonly dbPath: string;
  readonly file: string;
  readonly masterKeys: MasterKeySources | null;
}): Promise<Result<VerifyReport, Failure>> {
  const {dbPath, file, masterKeys} = options;
  const folder = hubFolder(dbPath);
  const answered = await askHub(folder.control, {do: 'backup', file});
  if (answered?.kind === 'failed') return fail(answered.failure);
  if (answered?.kind === 'backup') return {ok: true, value: answered.report};
  if (!existsSync(dbPath)) return fail(isMissing(dbPath));
  const store = openHubStore({file: dbPath, seal: await sealOf(dbPath, masterKeys)});
  if (!store.ok) return store;
  try {
    return await store.value.backup(file);
  } finally {
    store.value.close();
  }
}

/** What opens the database of a hub that does not run; null: it is not sealed. */
export async function sealOf(dbPath: string, masterKeys: MasterKeySources | null) {
  return (await dataKeysOf(dbPath, masterKeys))?.sealer ?? null;
}

/** Of the hub over this database; null: none is sealed by. */
export async function dataKeysOf(dbPath: string, masterKeys: MasterKeySources | null): Promise<DataKeys | null> {
  return masterKeys === null ? null : DataKeys.open(dbPath, await sealingOf(masterKeys));
}

/** Puts a backup where a hub looks for its database, with the data keys that are in it. */
export async function restoreHub(options: {
  readonly from: string;
  readonly dbPath: string;
  readonly masterKeys: MasterKeySources | null;
}): Promise<Result<VerifyReport, Failure>> {
  const {from, dbPath, masterKeys} = options;
  const folder = hubFolder(dbPath);
  if ((await askHub(folder.control, {do: 'stats'})) !== null) return fail(isRunning(dbPath));
  const seal = await sealerFor(from, masterKeys);
  if (!seal.ok) return seal;
  const restored = restoreHubStore({from, to: dbPath, seal: seal.value});
  if (!restored.ok) return restored;
  const notes = new OperatorNotes(new FolderShelf(join(folder.path, NOTES)));
  notes.add({atMs: Date.now(), tenant: null, what: 'restore', detail: {from, entries: restored.value.entries}});
  const keys = readDataKeys(from);
  if (keys.length > 0) {
    const dataKeys = new WrappedKeyFolder(folder.dataKeys);
    for (const key of keys) dataKeys.add(key);
  }
  return restored;
}

/** Reads a backup, or the database of a hub that does not run, to the end. */
export async function verifyHub(options: {
  readonly file: string;
  readonly masterKeys: MasterKeySources | null;
}): Promise<Result<VerifyReport, Failure>> {
  const {file, masterKeys} = options;
  if ((await askHub(hubFolder(file).control, {do: 'stats'})) !== null) return fail(isRunning(file));
  const seal = await sealerFor(file, masterKeys);
  return seal.ok ? verifyHubStore({file, seal: seal.value}) : seal;
}

async function sealerFor(file: string, masterKeys: MasterKeySources | null) {
  if (!existsSync(file)) return fail(isMissing(file));
  if (masterKeys === null) return {ok: true, value: null} as const;
  const sealing = await sealingOf(masterKeys);
  // Whether it is a hub's database at all, before its keys are read.
  const looked = verifyHubStore({file, seal: null});
  return looked.ok ? ({ok: true, value: openingSealer(sealing, readDataKeys(file))} as const) : looked;
}

function isMissing(path: string): Failure {
  const hint = 'Name it with --db, or start a hub with `godel hub serve`.';
  return {reason: 'store-unusable', path, detail: 'it is not there', hint};
}

function isRunning(path: string): Failure {
  const hint = 'End the hub first, or look at a backup: `godel hub backup` makes one of a hub that runs.';
  return {reason: 'store-unusable', path, detail: 'a hub runs over it', hint};
}

export type {VerifyReport};
