import {randomUUID} from 'node:crypto';
import {join} from 'node:path';
import {createPrivateFile, makePrivateFolder, readPrivateFile} from '../../security/private-file.ts';

/** Where the keys of a hub lie: a folder of their own beside its database, which is of no use to who has only one of them. */
export interface HubFolder {
  readonly path: string;
  /** Keys that tokens are signed with, what was given out and revoked. */
  readonly tokens: string;
  /** The authority for certificates; need not be there. */
  readonly authority: string;
  /** Data keys, wrapped by the master key; only where the hub seals. */
  readonly dataKeys: string;
  /** Which hub runs, and where it listens. */
  readonly running: string;
}

/** `hub-memory.keys` for `hub-memory.db`. */
export function hubFolder(dbPath: string): HubFolder {
  const path = `${dbPath.replace(/\.db$/, '')}.keys`;
  return {
    path,
    tokens: join(path, 'tokens'),
    authority: join(path, 'authority'),
    dataKeys: join(path, 'data-keys'),
    running: join(path, 'running.json'),
  };
}

/**
 * The name of the hub that its tokens are for, made when there is none. Makes the folder. Throws with the fix when others may use
 * it.
 */
export function hubIdOf({path}: HubFolder): string {
  makePrivateFolder(path);
  const file = join(path, 'hub-id');
  createPrivateFile(file, `${randomUUID()}\n`);
  return (readPrivateFile(file) ?? '').trim();
}
