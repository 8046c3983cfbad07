import {randomBytes} from 'node:crypto';
import {linkSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {isAlive, ownIdentity} from '../os/process-identity.ts';

/** Held from before a daemon is spawned until it answers, so that many commands at once start one. */
export interface StartLock extends Disposable {
  release(): void;
}

interface Content {
  readonly owner: ProcessIdentity;
  /** Tells two locks of one process apart. */
  readonly nonce: string;
}

const MAX_DEPTH = 4;

/**
 * Takes the lock, or returns its living owner. A lock whose owner is dead is removed under a lock of its own, after
 * looking again that it is still the same dead one: of two that find it, only one removes it, and nobody removes the
 * lock that has just replaced it. (Should a remover die in between, its own lock is stale and is treated likewise.)
 */
export function takeStartLock(path: string, depth = 0): StartLock | {readonly heldBy: ProcessIdentity} {
  const content: Content = {owner: ownIdentity(), nonce: randomBytes(8).toString('hex')};
  for (;;) {
    if (create(path, content)) return lockOf(path, content);
    const found = read(path);
    if (!found) continue;
    if (isAlive(found.owner) || depth === MAX_DEPTH) return {heldBy: found.owner};
    const removal = takeStartLock(`${path}~`, depth + 1);
    if ('heldBy' in removal) return {heldBy: removal.heldBy};
    if (read(path)?.nonce === found.nonce) rmSync(path, {force: true});
    removal.release();
  }
}

function lockOf(path: string, {nonce}: Content): StartLock {
  const release = () => {
    if (read(path)?.nonce === nonce) rmSync(path, {force: true});
  };
  return {release, [Symbol.dispose]: release};
}

/** Linking a finished file creates the lock together with its content: nobody ever reads half of it. */
function create(path: string, content: Content): boolean {
  const draft = `${path}.${content.nonce}`;
  writeFileSync(draft, JSON.stringify(content), {mode: 0o600});
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, {force: true});
  }
}

/** Null: released in the meantime. Content that is not ours to understand counts as a dead owner's. */
function read(path: string): Content | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // Anything else (a folder in its place) would be there the next time as well.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    // Written by `create` only.
    return JSON.parse(text) as Content;
  } catch {
    return {owner: {pid: 0, startTime: '', bootId: ''}, nonce: text};
  }
}
