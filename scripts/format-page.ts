import {execFileSync} from 'node:child_process';
import {join} from 'node:path';

/** What a script has written looks as if the formatter had, so that the format check passes. */
export function formatPage(file: string): void {
  const biome = join(import.meta.dirname, '..', 'node_modules', '.bin', 'biome');
  execFileSync(biome, ['format', '--write', file], {stdio: 'ignore'});
}
