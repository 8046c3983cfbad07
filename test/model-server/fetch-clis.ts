import {execFileSync} from 'node:child_process';

/** Before the tests that drive real CLIs: gets pi and claude once where they are not there and can be had. */
export default function fetchClis(): void {
  execFileSync(process.execPath, ['scripts/fetch-clis.mjs'], {stdio: 'inherit'});
}
