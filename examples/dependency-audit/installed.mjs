import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

const LOCK = 'node_modules/.package-lock.json';

/** The nearest folder at or above `from` whose node_modules npm has filled. */
export function findProject(from) {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, LOCK))) return folder;
    if (dirname(folder) === folder) {
      fail(`No ${LOCK} in ${from} or above it. Install the packages with npm (npm ci) first.`);
    }
  }
}

/** What npm says it installed, in the order of its lock file. The project itself is not a package of it. */
export function readInstalled(project) {
  const {packages} = JSON.parse(readFileSync(join(project, LOCK), 'utf8'));
  if (packages === undefined) fail(`${join(project, LOCK)} is from npm 6 or older: run npm ci with npm 7 or newer.`);
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      path,
      name: entry.name ?? nameOf(path),
      version: entry.version ?? null,
      link: entry.link === true,
      ...(entry.optional === true ? {optional: platformOf(entry)} : {}),
      ...(entry.deprecated === undefined ? {} : {deprecated: entry.deprecated}),
    }));
}

/** An optional package may be missing; the platforms that it is made for say why. */
function platformOf({os, cpu, libc}) {
  return Object.fromEntries(Object.entries({os, cpu, libc}).filter(([, names]) => names !== undefined));
}

/** `node_modules/a/node_modules/@scope/b` is the package `@scope/b`. */
function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

export const lockFile = project => join(project, LOCK);

/** Ends the script with one sentence, which godel shows as the reason of the failure. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}
