import {rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {
  checkPrivateFolder,
  codeOf,
  createPrivateFile,
  listPrivateFiles,
  makePrivateFolder,
  readPrivateFile,
  syncFolder,
} from './private-file.ts';

/**
 * Named texts that are added and removed but never changed, so that several processes need no lock: whatever order
 * their additions come in, all of them are there.
 */
export interface Shelf {
  names(): readonly string[];
  read(name: string): string | null;
  /** False when the name is taken. */
  add(name: string, text: string): boolean;
  remove(name: string): void;
  /** After this no earlier removal comes back, not even when the machine dies. */
  settle(): void;
  /** Differs from an earlier one when something may have been added or removed in between. */
  stamp(): string;
}

/** Times of files are this coarse at worst (milliseconds): a younger one may belong to a change before and one after. */
const COARSEST_MS = 2000;

/** Files of a folder that only its owner may use; each is on the disk when `add` returns. */
export class FolderShelf implements Shelf {
  readonly #folder: string;
  #unsettled = 0;

  /** Makes the folder. Throws with the fix when others may use it. */
  constructor(folder: string) {
    makePrivateFolder(folder);
    this.#folder = folder;
  }

  names(): readonly string[] {
    checkPrivateFolder(this.#folder);
    return listPrivateFiles(this.#folder);
  }

  read(name: string): string | null {
    return readPrivateFile(this.path(name));
  }

  add(name: string, text: string): boolean {
    return createPrivateFile(this.path(name), text);
  }

  remove(name: string): void {
    rmSync(this.path(name), {force: true});
  }

  settle(): void {
    syncFolder(this.#folder);
  }

  stamp(): string {
    let changedMs: number;
    try {
      changedMs = statSync(this.#folder).mtimeMs;
    } catch (error) {
      // Reading the folder says so in better words.
      if (codeOf(error) === 'ENOENT') return `gone ${++this.#unsettled}`;
      throw error;
    }
    return Math.abs(Date.now() - changedMs) < COARSEST_MS ? `${changedMs} ${++this.#unsettled}` : String(changedMs);
  }

  path(name: string): string {
    return join(this.#folder, name);
  }
}

/** Lives as long as the process. */
export class MemoryShelf implements Shelf {
  readonly #texts = new Map<string, string>();
  #changes = 0;

  names(): readonly string[] {
    return [...this.#texts.keys()];
  }

  read(name: string): string | null {
    return this.#texts.get(name) ?? null;
  }

  add(name: string, text: string): boolean {
    if (this.#texts.has(name)) return false;
    this.#texts.set(name, text);
    this.#changes += 1;
    return true;
  }

  remove(name: string): void {
    if (this.#texts.delete(name)) this.#changes += 1;
  }

  settle(): void {
    // Nothing of it outlives the process.
  }

  stamp(): string {
    return String(this.#changes);
  }
}
