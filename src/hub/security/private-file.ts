import {randomBytes} from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import {basename, dirname, join} from 'node:path';

/** The largest secret file that is read, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** No writer takes this long between making a draft and putting it in its place, in milliseconds. */
const DRAFT_AGE_MS = 60_000;

/** Makes the folder, for its owner alone. Throws with the fix when it exists and others may enter it. */
export function makePrivateFolder(folder: string): void {
  makeFolder(folder);
  checkPrivateFolder(folder);
}

/**
 * Makes a folder with its parents, for its owner alone, unless it is there. Not by Node's own recursion, which goes round for ever where the
 * system says ENOENT of what it will not make, as it does in /proc.
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, {mode: 0o700});
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const parent = dirname(folder);
    if (codeOf(error) !== 'ENOENT' || parent === folder || existsSync(parent)) throw error;
    makeFolder(parent);
    mkdirSync(folder, {mode: 0o700});
  }
}

/** Throws with the fix when the folder is somebody else's or others may look into it or change it. */
export function checkPrivateFolder(folder: string): void {
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new Error(`${folder} holds keys and must be a folder of its own; it is none`);
  refuseOthers(folder, {found, fix: 'chmod 700'});
}

/** Replaces the file, readable for its owner alone: afterwards it is on the disk, whole, or as it was. */
export function writePrivateFile(file: string, content: string): void {
  const draft = writeDraft(file, content);
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, {force: true});
    throw error;
  }
  syncFolder(dirname(file));
}

/** Like `writePrivateFile`, but false, with nothing changed, when the file is there: of several writers one gets true. */
export function createPrivateFile(file: string, content: string): boolean {
  const draft = writeDraft(file, content);
  try {
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, {force: true});
  }
  syncFolder(dirname(file));
  return true;
}

/**
 * The text of a file that only its owner may read; null when there is none. Throws with the fix when others may read or write it,
 * when it is another user's or a link, or larger than 1 MiB.
 */
export function readPrivateFile(file: string): string | null {
  let descriptor: number;
  try {
    // What is checked and what is read are one open file. NONBLOCK: a pipe in its place must not be waited for.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (codeOf(error) === 'ELOOP') throw new Error(`${file} holds a key and must not be a link; put the file there`);
    throw error;
  }
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error(`${file} is no regular file; a key is read from nothing else`);
    refuseOthers(file, {found, fix: 'chmod 600'});
    if (found.size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes: that is no key of ours`);
    const bytes = Buffer.alloc(found.size);
    const length = readSync(descriptor, bytes, 0, found.size, 0);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** The names of the finished files in a folder, none when there is no folder. Old drafts, whose writers were killed, are removed. */
export function listPrivateFiles(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  for (const draft of names.filter(isDraft)) {
    const found = lstatSync(join(folder, draft), {throwIfNoEntry: false});
    if (found !== undefined && Date.now() - found.mtimeMs > DRAFT_AGE_MS) rmSync(join(folder, draft), {force: true});
  }
  return names.filter(name => !isDraft(name));
}

function isDraft(name: string): boolean {
  return name.startsWith('.') && /\.[0-9a-f]{16}$/.test(name);
}

/** What the system calls an error, for example ENOENT. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

interface Found {
  readonly found: {readonly mode: number; readonly uid: number};
  readonly fix: string;
}

function refuseOthers(path: string, {found, fix}: Found): void {
  const own = process.geteuid?.();
  if (own !== undefined && found.uid !== own) {
    throw new Error(`${path} belongs to user ${found.uid} and not to you (${own}): make it yours with chown ${own}`);
  }
  if ((found.mode & 0o077) === 0) return;
  const mode = (found.mode & 0o777).toString(8).padStart(3, '0');
  throw new Error(
    `${path} can be used by others (mode ${mode}): run ${fix} ${path}, and rotate keys others may have read`,
  );
}

function writeDraft(file: string, content: string): string {
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(8).toString('hex')}`);
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(draft, {force: true});
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

/** A new name is on the disk, and an old one gone from it, only when its folder is. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
