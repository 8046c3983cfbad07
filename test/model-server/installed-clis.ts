import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Cli} from './cli-set-up.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

/** The folder with the program of this CLI at the version that is pinned, for PATH; null: it has not been fetched. */
export function cliFolder(cli: Cli): string | null {
  const {version} = pins[cli];
  const folder = process.env['GODEL_CLIS'] ?? join(REPOSITORY, 'node_modules', '.cache', 'godel-clis');
  const bin = join(folder, `${cli}-${version}`, 'node_modules', '.bin');
  return existsSync(join(bin, cli)) ? bin : null;
}

/** What a test that needs this CLI is called by when it skips. */
export function cliOrWhyNot(cli: Cli): string {
  const {version} = pins[cli];
  return cliFolder(cli) === null ? `${cli} ${version} is not there, npm run clis:fetch gets it` : `${cli} ${version}`;
}

// The file is ours and has a member for each CLI.
const pins = JSON.parse(readFileSync(join(REPOSITORY, 'scripts', 'clis.json'), 'utf8')) as Record<
  Cli,
  {readonly version: string}
>;
