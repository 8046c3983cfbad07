import {stat} from 'node:fs/promises';

interface Found {
  readonly file: string;
  readonly mark: string;
}

/**
 * The programs of runtimes that were found and have answered. As long as the file is the same nobody needs to ask it again, which
 * takes as long as it takes to start: up to a second for some.
 */
export class FoundPrograms {
  readonly #found = new Map<string, Found>();

  /** Whether the program of this runtime is still the one that has answered. */
  async has(runtime: string): Promise<boolean> {
    const known = this.#found.get(runtime);
    return known !== undefined && (await markOf(known.file)) === known.mark;
  }

  async add(runtime: string, file: string): Promise<void> {
    const mark = await markOf(file);
    if (mark !== null) this.#found.set(runtime, {file, mark});
  }
}

/** Differs for another file at the same place; null: there is none. */
async function markOf(file: string): Promise<string | null> {
  try {
    const {dev, ino, size, mode, mtimeMs} = await stat(file);
    return [dev, ino, size, mode, mtimeMs].join(' ');
  } catch {
    return null;
  }
}
