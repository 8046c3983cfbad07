import {hash, randomUUID} from 'node:crypto';
import {existsSync} from 'node:fs';
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
  /** Says which hub runs, and where it listens. */
  readonly running: string;
  /** Where a hub that runs is asked things by its operator. */
  readonly control: {readonly folder: string; readonly socket: string};
}

/** 108 bytes with the closing zero on Linux, 104 on macOS; Node 20 cuts a longer path without a word. */
const MAX_SOCKET_PATH = 103;

/** `hub-memory.keys` for `hub-memory.db`. The path must be absolute. */
export function hubFolder(dbPath: string): HubFolder {
  const path = `${dbPath.replace(/\.db$/, '')}.keys`;
  return {
    path,
    tokens: join(path, 'tokens'),
    authority: join(path, 'authority'),
    dataKeys: join(path, 'data-keys'),
    running: join(path, 'running.json'),
    control: controlOf(path),
  };
}

/**
 * The name of the hub that its tokens are for, made when there is none. Makes the folder. Throws with the fix when others may use
 * it.
 */
export function hubIdOf({path}: HubFolder): string {
  makePrivateFolder(path);
  const file = idFile(path);
  createPrivateFile(file, `${randomUUID()}\n`);
  return (readPrivateFile(file) ?? '').trim();
}

/** Whether a hub has its keys there, even one that was never started. */
export function isHubFolder({path}: HubFolder): boolean {
  return existsSync(idFile(path));
}

function idFile(path: string): string {
  return join(path, 'hub-id');
}

function controlOf(path: string): HubFolder['control'] {
  const socket = join(path, 'control.sock');
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH) return {folder: path, socket};
  const folder = `/tmp/godel-${process.getuid?.() ?? 0}`;
  return {folder, socket: join(folder, `hub-${hash('sha256', path, 'hex').slice(0, 16)}.sock`)};
}
