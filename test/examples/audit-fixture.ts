import {mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

/** Files of a package by their path in it. */
type Files = Readonly<Record<string, string>>;

export interface MadePackage {
  readonly path: string;
  readonly lock: Readonly<Record<string, unknown>>;
  /** Absent: the package is in the lock file but not on disk. */
  readonly files?: Files;
}

/** A project folder with the node_modules that npm would have made of these packages. */
export function makeProject(packages: readonly MadePackage[]): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'godel-audit ')));
  for (const {path, files} of packages) {
    if (files === undefined) continue;
    mkdirSync(join(project, path), {recursive: true});
    for (const [name, text] of Object.entries(files)) write(join(project, path, name), text);
  }
  const lock = {
    lockfileVersion: 3,
    requires: true,
    packages: Object.fromEntries(packages.map(one => [one.path, one.lock])),
  };
  write(join(project, 'node_modules/.package-lock.json'), JSON.stringify(lock));
  return project;
}

export function link(project: string, path: string, target: string): void {
  symlinkSync(join(project, target), join(project, path));
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), {recursive: true});
  writeFileSync(file, text);
}
