import {execFile} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join, posix} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {WorkspaceSettings} from '../model/agent-settings.ts';
import type {Failure} from '../model/failure.ts';
import {removeTree} from './checkout.ts';
import {gitPaths} from './git.ts';
import {lookAt} from './look-at.ts';

export interface LinkPlace {
  /** The user's checkout, which is only read. */
  readonly root: string;
  readonly folder: string;
  readonly base: string;
  /** Where it is written down what was copied; see `Copied`. */
  readonly note: string;
}

/** By path: how the folder looked from outside in the user's checkout, and how its copy looked, when it had been made. */
type Copied = Record<string, {readonly source: string; readonly copy: string}>;

/**
 * Gives a worktree folders such as `node_modules` from the user's checkout, as copies (sharing blocks where the file system
 * can) or symbolic links. A copy that is there already stays when neither it nor the original has changed. What git has
 * in `base`, or what is not in the user's checkout, is left out. Returns the paths that are linked now.
 */
export async function linkFolders(
  place: LinkPlace,
  link: WorkspaceSettings['link'],
): Promise<Result<readonly string[], Failure>> {
  const wanted = link
    .map(({path, how}) => ({path: posix.normalize(path).replace(/\/$/, ''), how}))
    .filter(({path}) => path !== '.' && !/^(?:\/|\.\.(?:\/|$))/.test(path) && existsSync(join(place.root, path)));
  if (wanted.length === 0) return ok([]);
  const tracked = await gitPaths(['ls-tree', '-z', '--name-only', place.base, '--', ...wanted.map(({path}) => path)], {
    cwd: place.folder,
  });
  if (!tracked.ok) return tracked;
  const linked = wanted.filter(({path}) => !tracked.value.includes(path));
  const copied = readNote(place.note);
  for (const {path, how} of linked) {
    const done = await (how === 'symlink' ? symlink(place, path) : copy(place, path, copied));
    if (!done.ok) return done;
  }
  return ok(linked.map(({path}) => path));
}

async function symlink({root, folder}: LinkPlace, path: string): Promise<Result<void, Failure>> {
  const [source, target] = [join(root, path), join(folder, path)];
  const there = lookAt(target);
  if (there?.isSymbolicLink() && readlinkSync(target) === source) return ok(undefined);
  await removeTree(target);
  mkdirSync(dirname(target), {recursive: true});
  symlinkSync(source, target);
  return ok(undefined);
}

async function copy({root, folder, note}: LinkPlace, path: string, copied: Copied): Promise<Result<void, Failure>> {
  const [source, target] = [join(root, path), join(folder, path)];
  const sign = signOf(source);
  const before = copied[path];
  if (before?.source === sign && before.copy === signOf(target)) return ok(undefined);
  // The note must not speak of a copy that is being replaced.
  Reflect.deleteProperty(copied, path);
  rmSync(note, {force: true});
  await removeTree(target);
  mkdirSync(dirname(target), {recursive: true});
  const done = await copyTree(source, target);
  if (!done.ok) return done;
  copied[path] = {source: sign, copy: signOf(target)};
  writeFileSync(note, JSON.stringify(copied), {mode: 0o600});
  return ok(undefined);
}

/** In a process of its own: a `node_modules` of 50,000 files would keep ours busy for long. */
function copyTree(source: string, target: string): Promise<Result<void, Failure>> {
  const how = process.platform === 'darwin' ? ['-a', '-c'] : ['-a', '--reflink=auto'];
  return new Promise(resolve => {
    execFile(
      'cp',
      [...how, '--', source, target],
      {timeout: 30 * 60_000, maxBuffer: 2 ** 20},
      (error, _out, stderr) => {
        if (error === null) return resolve(ok(undefined));
        const detail = `${source} could not be copied into it: ${stderr.trim().split('\n').at(-1) ?? error.message}`;
        resolve(fail({reason: 'workspace-failed', detail, hint: 'see `workspace.link` in the configuration'}));
      },
    );
  });
}

/** Files by which package managers say what they have installed. */
const INVENTORIES = ['.package-lock.json', '.modules.yaml', '.yarn-integrity', '.yarn-state.yml', 'pyvenv.cfg'];

/** How a folder looks from outside: changes when something is added to or removed from it, or is installed into it. */
function signOf(folder: string): string {
  return ['.', ...INVENTORIES]
    .map(name => statSync(join(folder, name), {throwIfNoEntry: false})?.mtimeMs ?? '-')
    .join(' ');
}

function readNote(note: string): Copied {
  try {
    return JSON.parse(readFileSync(note, 'utf8')) as Copied;
  } catch {
    // None yet, or half a one: then everything is copied again.
    return {};
  }
}
