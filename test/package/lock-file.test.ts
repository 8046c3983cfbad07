import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';

interface Entry {
  readonly version?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const {packages} = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Readonly<Record<string, Entry>>;
};

/** Where Node would find `name` from the package at `path`. */
function find(path: string, name: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (at === '') return undefined;
  }
}

/** `npm install` leaves out optional packages that its registry does not have, and `npm ci` then refuses the lock file. */
test('the lock file has every package that another one names, also those for other platforms', () => {
  const missing = Object.entries(packages).flatMap(([path, {dependencies, optionalDependencies}]) =>
    Object.keys({...dependencies, ...optionalDependencies})
      .filter(name => find(path, name) === undefined)
      .map(name => `${name} of ${path}`),
  );
  expect(missing).toEqual([]);
});

test('a package without a checksum is one that only other platforms install', () => {
  const entries = Object.entries(packages as Readonly<Record<string, Entry & {integrity?: string}>>);
  for (const [path, {integrity, optional, os, cpu}] of entries) {
    if (path === '' || integrity !== undefined) continue;
    expect.soft({path, optional, given: (os ?? cpu) !== undefined}).toEqual({path, optional: true, given: true});
  }
});
