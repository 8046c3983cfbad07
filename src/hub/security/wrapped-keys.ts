import {hash} from 'node:crypto';
import {join} from 'node:path';
import {
  createPrivateFile,
  listPrivateFiles,
  makePrivateFolder,
  readPrivateFile,
  writePrivateFile,
} from './private-file.ts';

/** A data key as it is kept: sealed by a master key, and useless without it. */
export interface WrappedKey {
  readonly tenantId: string;
  /** Counts from 1; the highest seals, all of them open. */
  readonly version: number;
  readonly masterId: string;
  /** Base64url. */
  readonly wrapped: string;
  /** Unix epoch, milliseconds. */
  readonly createdAtMs: number;
}

/** Where wrapped keys are kept; every call is durable when it returns. */
export interface WrappedKeys {
  of(tenantId: string): readonly WrappedKey[];
  all(): readonly WrappedKey[];
  /** False, with nothing changed, when the tenant has a key of this version. */
  add(key: WrappedKey): boolean;
  /** In the place of that of the same tenant and version. */
  replace(key: WrappedKey): void;
  /** How many things the key may have sealed so far; 0 when nothing was said. */
  used(tenantId: string, version: number): number;
  setUsed(tenantId: string, version: number, used: number): void;
}

/** Files of a folder that only its owner may use. */
export class WrappedKeyFolder implements WrappedKeys {
  readonly #folder: string;

  /** Makes the folder. Throws with the fix when others may use it. */
  constructor(folder: string) {
    makePrivateFolder(folder);
    this.#folder = folder;
  }

  of(tenantId: string): readonly WrappedKey[] {
    const start = `${nameOf(tenantId)}.`;
    return this.#read(name => name.startsWith(start)).filter(key => key.tenantId === tenantId);
  }

  all(): readonly WrappedKey[] {
    return this.#read(() => true);
  }

  add(key: WrappedKey): boolean {
    return createPrivateFile(this.#fileOf(key.tenantId, `${key.version}.json`), `${JSON.stringify(key)}\n`);
  }

  replace(key: WrappedKey): void {
    writePrivateFile(this.#fileOf(key.tenantId, `${key.version}.json`), `${JSON.stringify(key)}\n`);
  }

  used(tenantId: string, version: number): number {
    const text = readPrivateFile(this.#fileOf(tenantId, `${version}.used`));
    const used = text === null ? 0 : Number(text);
    if (Number.isSafeInteger(used) && used >= 0) return used;
    throw new Error(`${this.#fileOf(tenantId, `${version}.used`)} holds no number: remove it and rotate the data key`);
  }

  setUsed(tenantId: string, version: number, used: number): void {
    writePrivateFile(this.#fileOf(tenantId, `${version}.used`), `${used}\n`);
  }

  #read(accepts: (name: string) => boolean): readonly WrappedKey[] {
    return listPrivateFiles(this.#folder).flatMap(name => {
      if (!name.endsWith('.json') || !accepts(name)) return [];
      const text = readPrivateFile(join(this.#folder, name));
      return text === null ? [] : [parse(text, join(this.#folder, name))];
    });
  }

  #fileOf(tenantId: string, rest: string): string {
    return join(this.#folder, `${nameOf(tenantId)}.${rest}`);
  }
}

/** A tenant's name may be anything, a file's may not. */
function nameOf(tenantId: string): string {
  return hash('sha256', tenantId, 'hex');
}

function parse(text: string, file: string): WrappedKey {
  try {
    // Written by this class only; that it was not changed, unwrapping shows.
    return JSON.parse(text) as WrappedKey;
  } catch {
    throw new Error(`${file} is no wrapped data key: restore it from a backup, what it has sealed needs it`);
  }
}
