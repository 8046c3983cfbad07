import {chmodSync, copyFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {temporaryFolder} from './run-agent.ts';

/** What a fake CLI can be asked to act out, by the environment variable `GODEL_FAKE`. */
export type FakeCase =
  | 'edit'
  | 'echo'
  | 'environment'
  | 'throttled'
  | 'throttled-with-time'
  | 'quota'
  | 'overloaded'
  | 'auth'
  | 'refused'
  | 'too-long'
  | 'crash'
  | 'garbage'
  | 'split'
  | 'hang'
  | 'idle'
  | 'silent'
  | 'denied';

/** A folder for PATH with the fake of that name in `fakes/`, which runs under this Node. */
export function fakeOnPath(name: string): string {
  const folder = temporaryFolder(`fake-${name}`);
  const file = join(folder, name);
  copyFileSync(join(import.meta.dirname, 'fakes', `${name}.mjs`), file);
  chmodSync(file, 0o755);
  return `${folder}:${dirname(process.execPath)}:/usr/bin:/bin`;
}
