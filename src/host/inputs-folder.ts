import {mkdirSync} from 'node:fs';
import {access, mkdir, rm, symlink} from 'node:fs/promises';
import {dirname, join, resolve, sep} from 'node:path';

/**
 * Makes the folder that `GODEL_INPUTS` names: one link for each output of the tasks that were needed. What does not
 * exist (a skipped task has no output) is left out, as is a name that would lie outside.
 */
export async function makeInputsFolder(
  folder: string,
  {teamFolder, inputs}: {teamFolder: string; inputs: readonly {readonly name: string; readonly target: string}[]},
): Promise<void> {
  if (inputs.length === 0) return;
  await mkdir(folder, {recursive: true, mode: 0o700});
  for (const {name, target} of inputs) {
    const link = resolve(folder, name);
    const file = join(teamFolder, target);
    if (!link.startsWith(folder + sep) || !(await exists(file))) continue;
    if (dirname(link) !== folder) await mkdir(dirname(link), {recursive: true, mode: 0o700});
    await symlink(file, link);
  }
}

/** Without it (a full disk, say) tasks run all the same: only who looks into `GODEL_INPUTS` finds nothing there. */
export function makeEmptyInputsFolder(folder: string): void {
  try {
    // Not to be written: what one task left there, all others would find.
    mkdirSync(dirname(folder), {recursive: true, mode: 0o700});
    mkdirSync(folder, {recursive: true, mode: 0o500});
  } catch {
    // Whatever is wrong with the disk is said by the first attempt that needs it.
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, {recursive: true, force: true});
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
