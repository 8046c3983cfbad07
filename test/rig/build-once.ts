import {execFileSync} from 'node:child_process';

/** The rig tests drive what a user runs, so the program is built once before them. */
export default function buildOnce(): void {
  for (const script of ['scripts/build.mjs', 'scripts/build-types.mjs']) {
    execFileSync(process.execPath, [script], {stdio: 'inherit'});
  }
}
