import {execFileSync} from 'node:child_process';

/** The rig tests drive what a user runs, so the program is built once before them. */
export default function buildOnce(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], {stdio: 'inherit'});
}
