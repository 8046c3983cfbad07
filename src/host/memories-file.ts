import {mkdir, rm, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import type {AttemptOrder} from '../wire/host-protocol.ts';

/**
 * Makes the file that `GODEL_MEMORIES` names, a JSON array that may be empty, for its owner alone; none where there is no memory. An
 * attempt whose file cannot be written (a full disk, say) finds none: memories help, and nobody fails for want of them.
 */
export async function makeMemoriesFile(file: string, memories: AttemptOrder['memories']): Promise<void> {
  if (memories === undefined) return;
  try {
    await mkdir(dirname(file), {recursive: true, mode: 0o700});
    await writeFile(file, `${JSON.stringify(memories)}\n`, {mode: 0o600});
  } catch {
    await rm(file, {force: true, recursive: true}).catch(() => undefined);
  }
}
