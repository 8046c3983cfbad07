import {readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import type {ProcessIdentity} from '../model/process-identity.ts';

/** What the running daemon writes down about itself in `.godel/daemon.json`; removed when it ends in order. */
export interface DaemonFile {
  readonly process: ProcessIdentity;
  readonly version: string;
  readonly runtimeFolder: string;
  readonly socket: string;
  readonly startedAtMs: number;
}

/** Null when there is none, or none that can be read: it is only a hint, the store's lock is what counts. */
export function readDaemonFile(file: string): DaemonFile | null {
  try {
    // Written by `writeDaemonFile` only, in a folder that is ours alone.
    return JSON.parse(readFileSync(file, 'utf8')) as DaemonFile;
  } catch {
    return null;
  }
}

/** Appears whole or not at all. */
export function writeDaemonFile(file: string, content: DaemonFile): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content)}\n`, {mode: 0o600});
  renameSync(draft, file);
}

export function removeDaemonFile(file: string): void {
  rmSync(file, {force: true});
}
