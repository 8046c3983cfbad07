/**
 * Fetches the coding-agent CLIs that the tests drive, at the versions of clis.json, into a cache folder of their own:
 * pi and claude, with `--all` also codex, gemini and opencode. What is there is not fetched again. Where one cannot be
 * had, it says so and ends well: the tests that need it skip themselves. `GODEL_CLIS` names another folder; `none` is none.
 */
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const WITHIN_MS = 300_000;

const clis = JSON.parse(readFileSync(join(import.meta.dirname, 'clis.json'), 'utf8'));
const folder = process.env.GODEL_CLIS ?? join(import.meta.dirname, '..', 'node_modules', '.cache', 'godel-clis');
if (folder === 'none') {
  console.log('SKIPPED: no coding-agent CLIs, for GODEL_CLIS is none');
} else {
  const wanted = Object.entries(clis).filter(([, {fetch}]) => fetch === 'always' || process.argv.includes('--all'));
  for (const [name, cli] of wanted) await fetchCli(name, cli);
}

async function fetchCli(name, {package: pkg, version}) {
  const home = join(folder, `${name}-${version}`);
  if (existsSync(join(home, 'node_modules', '.bin', name))) return console.log(`${name} ${version} is there`);
  const started = performance.now();
  mkdirSync(folder, {recursive: true});
  const draft = mkdtempSync(join(folder, 'fetching-'));
  try {
    writeFileSync(join(draft, 'package.json'), JSON.stringify({private: true, dependencies: {[pkg]: version}}));
    await install(draft);
    await answersToVersion(join(draft, 'node_modules', '.bin', name));
    settle(draft, home);
    console.log(`${name} ${version} fetched in ${Math.round((performance.now() - started) / 1000)} s`);
  } catch (error) {
    console.log(`SKIPPED: ${name} ${version} cannot be had: ${error.message}`);
  } finally {
    rmSync(draft, {recursive: true, force: true});
  }
}

function install(cwd) {
  const options = ['--no-audit', '--no-fund', '--no-update-notifier', '--no-package-lock', '--loglevel=error'];
  return run('npm', ['install', ...options, '--fetch-retries=1', '--fetch-timeout=30000'], cwd);
}

/** An optional binary that npm left out shows only when the program is run. */
function answersToVersion(file) {
  return run(file, ['--version'], import.meta.dirname);
}

/** Somebody else may have fetched the same in the meantime: theirs is as good. */
function settle(draft, home) {
  try {
    renameSync(draft, home);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

function run(file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    let tail = '';
    for (const output of [child.stdout, child.stderr])
      output.on('data', chunk => (tail = `${tail}${chunk}`.slice(-2000)));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      const why =
        tail.split('\n').find(line => /npm error (code|network|notarget)|Error:/.test(line)) ?? tail.slice(-300);
      reject(new Error(`${file} ended with ${code ?? signal}: ${why.trim()}`));
    });
  });
}
