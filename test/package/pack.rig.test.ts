import {execFile} from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const INSTALLED_PLAN = 'node_modules/godel/examples/dependency-audit/godel.yaml';

interface Packed {
  readonly filename: string;
  readonly files: readonly {readonly path: string; readonly mode: number}[];
}

let folder: string;
let packed: Packed;
let home: string;
let env: Record<string, string | undefined>;

/** In the folder where the tarball is installed, as a user there. */
const npx = (...args: string[]) => run('npx', ['--no-install', ...args], {cwd: home, env});

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-pack-')));
  home = join(folder, 'home');
  mkdirSync(home);
  mkdirSync(join(folder, 'runtime'), {mode: 0o700});
  env = {...process.env, XDG_RUNTIME_DIR: join(folder, 'runtime'), NO_COLOR: '1', CI: '1'};
  // The build before the rig tests has made what `prepare` would make.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const {stdout} = await run('npm', pack, {cwd: REPOSITORY, env});
  packed = (JSON.parse(stdout) as Packed[])[0]!;
  // Scripts are left out and the native module is copied below, because compiling it again takes a minute and would
  // show nothing about this package. That npm does compile it is shown by every fresh `npm ci`.
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, join(folder, packed.filename)], {cwd: home, env});
  copyNativeModule();
}, 300_000);

afterAll(async () => {
  if (existsSync(join(home, 'node_modules'))) await npx('godel', 'daemon', 'stop');
  rmSync(folder, {recursive: true, force: true});
});

function copyNativeModule(): void {
  const [from, to] = [join(REPOSITORY, 'node_modules/better-sqlite3'), join(home, 'node_modules/better-sqlite3')];
  const version = (at: string) =>
    (JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as {version: string}).version;
  expect(version(to)).toBe(version(from));
  const file = 'build/Release/better_sqlite3.node';
  cpSync(join(from, file), join(to, file));
}

test('the tarball carries the program, the examples and the schema, and nothing else', () => {
  const paths = packed.files.map(({path}) => path).sort();
  const examples = readdirSync(join(REPOSITORY, 'examples'), {recursive: true, withFileTypes: true})
    .filter(entry => entry.isFile())
    .map(entry => relative(REPOSITORY, join(entry.parentPath, entry.name)));
  expect(paths.filter(path => !path.startsWith('dist/'))).toEqual(
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin/godel.js', 'godel.schema.json', 'package.json', ...examples].sort(),
  );
  const built = paths.filter(path => path.startsWith('dist/'));
  // The packages within the bundle ask for their licenses to be with them.
  const programs = ['dist/cli.js', 'dist/daemon.js', 'dist/host.js', 'dist/hub.js', 'dist/licenses.txt'];
  const library = ['dist/index.js', 'dist/hub-server.js', 'dist/types/index.d.ts', 'dist/types/hub.d.ts'];
  expect(built).toEqual(expect.arrayContaining([...programs, ...library]));
  for (const path of built.filter(each => each !== 'dist/licenses.txt'))
    expect(path).toMatch(/^dist\/((chunks\/)?[\w.-]+\.js(\.map)?|types\/[\w./-]+\.d\.c?ts)$/);
  expect(packed.files.find(({path}) => path === 'bin/godel.js')!.mode & 0o111).toBe(0o111);
});

test('installed from the tarball, it tells its version', async () => {
  const {version} = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {version: string};
  expect((await npx('godel', 'version')).stdout).toContain(version);
});

test('installed from the tarball, it audits the folder it was installed in', async () => {
  const {stdout} = await npx('godel', 'team', 'spawn', '--count', '4', '--plan', INSTALLED_PLAN, '--json');
  const lock = JSON.parse(readFileSync(join(home, 'node_modules/.package-lock.json'), 'utf8')) as {packages: object};
  const locked = Object.keys(lock.packages).length;
  expect(JSON.parse(stdout)).toMatchObject({
    v: 1,
    state: 'succeeded',
    agents: {requested: 4, ready: 4, failed: 0},
    tasks: {total: locked + 2, succeeded: locked + 2, failed: 0, skipped: 0, cancelled: 0},
  });
  const report = JSON.parse(readFileSync(join(home, 'report.json'), 'utf8')) as {
    totals: Record<string, number>;
    packages: {path: string}[];
  };
  expect(report.totals).toMatchObject({packages: locked, failed: 0});
  expect(report.packages.map(({path}) => path).sort()).toEqual(Object.keys(lock.packages).sort());
});

const PROGRAM = `
import {EphemeralAgent} from 'godel';
import {FederationHubServer, SecurityManager} from 'godel/hub';

const server = new FederationHubServer({port: 0, dbPath: 'memory.db'});
await server.start();
const security: SecurityManager = server.security;
const token: string = await security.generateToken('pi', 'acme');
const hubEndpoint = \`ws://127.0.0.1:\${server.address?.port}\`;
const agent = await EphemeralAgent.spawn({tenantId: 'acme', hubEndpoint, token});
await agent.storeEpisode({task: 'one', reward: 1});
await agent.sync();
const [memory] = await agent.queryMemories('one', 1);
console.log(memory?.episode.agentId, server.getStats().episodes);
await agent.destroy();
await server.stop();
`;

test('installed from the tarball, the hub serves a plain program, and with types of Node one that is checked strictly', async () => {
  writeFileSync(join(home, 'program.mjs'), PROGRAM.replaceAll(/: (SecurityManager|string) =/g, ' ='));
  const {stdout, stderr} = await run(process.execPath, ['program.mjs'], {cwd: home, env});
  expect({stdout, stderr}).toEqual({stdout: 'pi 1\n', stderr: ''});

  // What npm would install with `@types/node`. Other types, such as those of better-sqlite3, are not there.
  const types = ['node_modules/@types/node', 'node_modules/undici-types'];
  for (const each of types) cpSync(join(REPOSITORY, each), join(home, each), {recursive: true, dereference: true});
  expect(existsSync(join(home, 'node_modules/@types/better-sqlite3'))).toBe(false);
  writeFileSync(join(home, 'program.mts'), PROGRAM);
  const compilerOptions = {strict: true, noEmit: true, target: 'ES2023', module: 'NodeNext', types: ['node']};
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({compilerOptions, files: ['program.mts']}));
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
  const checked = await run(process.execPath, [tsc, '--project', home], {cwd: home}).catch((error: unknown) => error);
  expect((checked as {stdout: string}).stdout).toBe('');
}, 300_000);

test('installed from the tarball, its examples run', async () => {
  const example = 'node_modules/godel/examples/joint-debugging/debugging.mjs';
  const {stdout} = await run(process.execPath, [example], {cwd: home, env});
  expect(stdout).toMatch(/^ok: /m);
});
