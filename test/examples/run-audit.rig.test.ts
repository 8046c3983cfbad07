import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const PLAN = join(REPOSITORY, 'examples/dependency-audit/godel.yaml');

let folder: string;
let inside: string;

/** In a folder deep inside a project whose node_modules is the repository's. */
const godel = (...args: string[]) => {
  const env = {...process.env, XDG_RUNTIME_DIR: join(folder, 'runtime')};
  return run(process.execPath, [join(REPOSITORY, 'bin/godel.js'), ...args], {cwd: inside, env});
};

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-run-')));
  inside = join(folder, 'project/some folder/inside');
  mkdirSync(inside, {recursive: true});
  mkdirSync(join(folder, 'project/.godel'), {mode: 0o700});
  mkdirSync(join(folder, 'runtime'), {mode: 0o700});
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'project/node_modules'));
});

afterAll(async () => {
  await godel('daemon', 'stop');
  rmSync(folder, {recursive: true, force: true});
});

test('50 agents audit every installed package, and the report agrees with the lock file', async () => {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, {version?: string}>>;
  };
  const locked = Object.keys(lock.packages).sort();

  const spawned = await godel('team', 'spawn', '--count', '50', '--plan', PLAN);
  expect(spawned.stdout).toContain(`report: The report is in ${join(inside, 'report.md')}`);
  const {stdout} = await godel('team', 'wait', 'dependency-audit', '--json');
  const total = locked.length + 2;
  expect(JSON.parse(stdout)).toMatchObject({
    v: 1,
    team: 'dependency-audit',
    state: 'succeeded',
    agents: {requested: 50, ready: 50, failed: 0},
    tasks: {total, succeeded: total, failed: 0, skipped: 0, cancelled: 0},
    failures: [],
  });

  const report = JSON.parse(readFileSync(join(inside, 'report.json'), 'utf8')) as {
    totals: Readonly<Record<string, number>>;
    packages: readonly {path: string; version: string | null}[];
  };
  expect(report.totals).toMatchObject({packages: locked.length, failed: 0, entryPointBroken: 0});
  expect(report.packages.map(({path}) => path).sort()).toEqual(locked);
  for (const {path, version} of report.packages) expect(version).toBe(lock.packages[path]?.version);
  expect(readFileSync(join(inside, 'report.md'), 'utf8')).toContain(`${locked.length} packages in`);
});
