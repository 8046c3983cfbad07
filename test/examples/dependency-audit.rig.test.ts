import {execFile} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {link, makeProject, type MadePackage} from './audit-fixture.ts';

const SCRIPTS = fileURLToPath(new URL('../../examples/dependency-audit/', import.meta.url));

const manifest = (fields: object) => JSON.stringify(fields);
const cjs = 'module.exports = 1;\n';
const esm = 'export const one = await 1;\n';

const PACKAGES: readonly MadePackage[] = [
  {
    path: 'node_modules/alpha',
    lock: {version: '1.0.0', license: 'MIT'},
    files: {
      'package.json': manifest({name: 'alpha', version: '1.0.0', license: 'MIT', engines: {node: '>=1'}}),
      'index.js': cjs,
      'deep/node_modules/part-of-it.txt': 'counts',
    },
  },
  {
    path: 'node_modules/alpha/node_modules/@scope/beta',
    lock: {version: '2.0.0', hasInstallScript: true, deprecated: 'use | gamma'},
    files: {
      'package.json': manifest({
        name: '@scope/beta',
        version: '2.0.0',
        license: {type: 'ISC'},
        engines: {node: '<1'},
        exports: {'.': {types: './t.d.ts', import: './m.mjs', require: './c.cjs'}},
        scripts: {postinstall: 'true'},
      }),
      'm.mjs': esm,
      'c.cjs': cjs,
      LICENSE: 'text',
    },
  },
  {
    path: 'node_modules/guessed',
    lock: {version: '1.0.0'},
    files: {
      'package.json': manifest({name: 'guessed', version: '1.0.0', main: 'lib'}),
      'lib/index.js': esm,
      COPYING: 'x',
    },
  },
  {
    path: 'node_modules/broken',
    lock: {version: '1.0.0'},
    files: {
      'package.json': manifest({name: 'broken', version: '1.0.0', type: 'commonjs', main: 'a.js'}),
      'a.js': 'function (',
    },
  },
  {
    path: 'node_modules/half-broken',
    lock: {version: '1.0.0'},
    files: {
      'package.json': manifest({
        name: 'half-broken',
        version: '1.0.0',
        exports: {import: './gone.mjs', default: './a.js'},
      }),
      'a.js': cjs,
    },
  },
  {
    path: 'node_modules/program',
    lock: {version: '1.0.0'},
    files: {
      'package.json': manifest({name: 'program', version: '1.0.0', bin: {program: 'bin/run', native: 'bin/native'}}),
      'bin/run': '#!/usr/bin/env node\nreturn 1;\n',
      'bin/native': '\u007fELF',
    },
  },
  {
    path: 'node_modules/@types/alpha',
    lock: {version: '1.0.0'},
    files: {
      'package.json': manifest({name: '@types/alpha', version: '1.0.0', main: '', types: 'index.d.ts'}),
      'index.d.ts': 'export {};',
    },
  },
  {
    path: 'node_modules/data',
    lock: {version: '1.0.0'},
    files: {'package.json': manifest({name: 'data', version: '1.0.0', main: 'data.json'}), 'data.json': '[1]'},
  },
  {
    path: 'node_modules/addon',
    lock: {version: '1.0.0', hasInstallScript: true},
    files: {
      'package.json': manifest({name: 'addon', version: '1.0.0', main: 'addon.node'}),
      'addon.node': 'binary',
      'binding.gyp': '{}',
    },
  },
  {path: 'node_modules/$(touch pwned)', lock: {version: '1.0.0'}, files: {}},
  {path: 'node_modules/damaged', lock: {version: '1.0.0'}, files: {'package.json': '{"name": '}},
  {
    path: 'node_modules/other-version',
    lock: {version: '1.0.0'},
    files: {'package.json': manifest({name: 'other-version', version: '1.0.1'})},
  },
  {path: 'node_modules/for-windows', lock: {version: '1.0.0', optional: true, os: ['win32']}},
  {path: 'node_modules/linked', lock: {resolved: 'packages/linked', link: true}},
  {
    path: 'packages/linked',
    lock: {name: 'linked', version: '0.0.1'},
    files: {'package.json': manifest({name: 'linked', version: '0.0.1'}), 'index.js': cjs},
  },
];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Finding {
  readonly path: string;
  readonly name: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

interface Report {
  readonly totals: Readonly<Record<string, number>>;
  readonly packages: readonly Finding[];
}

const folders: string[] = [];
let project: string;
let inputs: string;
let report: Report;
let findings: ReadonlyMap<string, Finding>;

function run(script: string, options: {readonly cwd: string; readonly env?: Readonly<Record<string, string>>}) {
  const flags = script === 'check.mjs' ? ['--experimental-vm-modules', '--no-warnings'] : [];
  return new Promise<Ran>(resolve => {
    const env = {PATH: process.env.PATH, ...options.env};
    execFile(process.execPath, [...flags, SCRIPTS + script], {cwd: options.cwd, env}, (error, stdout, stderr) => {
      resolve({code: error === null ? 0 : Number(error.code), stdout, stderr});
    });
  });
}

const readReport = () => JSON.parse(readFileSync(join(project, 'report.json'), 'utf8')) as Report;
const inputFile = (at: number) => join(inputs, 'check', `${at}.json`);
const finding = (path: string) => findings.get(path)!;

beforeAll(async () => {
  project = makeProject(PACKAGES);
  link(project, 'node_modules/linked', 'packages/linked');
  inputs = mkdtempSync(join(tmpdir(), 'godel-inputs-'));
  folders.push(project, inputs);
  mkdirSync(join(inputs, 'check'));
  const items = JSON.parse((await run('list.mjs', {cwd: join(project, 'packages/linked')})).stdout) as object[];
  await Promise.all(
    items.map(async (item, at) => {
      const checked = await run('check.mjs', {cwd: project, env: {GODEL_ITEM: JSON.stringify(item)}});
      expect(checked).toMatchObject({code: 0, stderr: ''});
      writeFileSync(inputFile(at), checked.stdout);
    }),
  );
  expect(await run('report.mjs', {cwd: project, env: {GODEL_INPUTS: inputs}})).toMatchObject({code: 0, stderr: ''});
  report = readReport();
  findings = new Map(report.packages.map(one => [one.path, one]));
});

afterAll(() => {
  for (const folder of folders) rmSync(folder, {recursive: true, force: true});
});

describe('the report', () => {
  test('lists every package of the lock file once, and its totals are those of an independent count', async () => {
    expect(report.packages.map(({path}) => path).sort()).toEqual(PACKAGES.map(({path}) => path).sort());
    const onDisk = PACKAGES.flatMap(({files}) => Object.values(files ?? {}));
    expect(report.totals).toEqual({
      packages: 15,
      checked: 14,
      absent: 1,
      failed: 0,
      links: 1,
      files: onDisk.length,
      bytes: onDisk.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
      bytesOnDisk: expect.any(Number),
      withoutLicence: 11,
      enginesNotSatisfied: 1,
      withInstallScripts: 2,
      deprecated: 1,
      entryPointParses: 7,
      entryPointBroken: 2,
      entryPointDoesNotApply: 5,
      withProblems: 3,
    });
    expect(await run('verify.mjs', {cwd: project})).toMatchObject({code: 0, stderr: ''});
  });

  test('names scoped, nested and linked packages', () => {
    expect(finding('node_modules/alpha/node_modules/@scope/beta').name).toBe('@scope/beta');
    expect(finding('node_modules/linked')).toMatchObject({name: 'linked', version: '0.0.1', state: 'link', size: null});
  });

  test('counts the files of a package without the packages nested in it', () => {
    expect(finding('node_modules/alpha').size).toMatchObject({files: 3});
  });

  test('tells a broken entry point from one that cannot be parsed by its nature', () => {
    const parses = (path: string) => finding(path).entryPoint;
    expect(parses('node_modules/alpha')).toMatchObject({kind: 'commonjs', parses: true});
    expect(parses('node_modules/alpha/node_modules/@scope/beta')).toMatchObject({kind: 'esm+commonjs', parses: true});
    expect(parses('node_modules/guessed')).toMatchObject({kind: 'esm', parses: true});
    expect(parses('node_modules/program')).toMatchObject({kind: 'commonjs+other', parses: true});
    expect(parses('node_modules/data')).toMatchObject({kind: 'json', parses: true});
    expect(parses('node_modules/@types/alpha')).toMatchObject({kind: 'types', parses: null});
    expect(parses('node_modules/addon')).toMatchObject({kind: 'native', parses: null});
    expect(parses('node_modules/damaged')).toMatchObject({kind: 'none', parses: null});
    expect(parses('node_modules/broken')).toMatchObject({
      parses: false,
      files: [{file: 'a.js', error: expect.stringContaining('SyntaxError')}],
    });
    expect(parses('node_modules/half-broken')).toMatchObject({
      parses: false,
      files: [{file: 'gone.mjs', error: 'the file does not exist'}, {parses: true}],
    });
  });

  test('says what is odd about a package', () => {
    expect(finding('node_modules/for-windows')).toMatchObject({state: 'absent', note: 'optional, for win32'});
    expect(finding('node_modules/$(touch pwned)').problems).toEqual(['no package.json']);
    expect(finding('node_modules/damaged').problems).toEqual([expect.stringContaining('not readable')]);
    expect(finding('node_modules/other-version').problems).toEqual([
      'package.json has version 1.0.1, npm installed 1.0.0',
    ]);
    expect(finding('node_modules/guessed').licence).toBe('see COPYING');
    expect(finding('node_modules/addon').installScripts).toEqual(['binding.gyp']);
    expect(existsSync(join(project, 'pwned'))).toBe(false);
  });

  test('reads as a page: totals, and a table that no package can break', () => {
    const page = readFileSync(join(project, 'report.md'), 'utf8');
    expect(page).toContain('15 packages in');
    expect(page).toContain('use \\| gamma');
  });
});

describe('what goes wrong is said', () => {
  test('a package that is neither on disk nor optional fails its check', async () => {
    const item = {path: 'node_modules/gone', name: 'gone', version: '1.0.0', link: false};
    const ran = await run('check.mjs', {cwd: project, env: {GODEL_ITEM: JSON.stringify(item)}});
    expect(ran.code).toBe(1);
    expect(ran.stderr).toBe("node_modules/gone is in npm's lock file but not on disk. Run npm ci again.\n");
  });

  test('a package whose check delivered nothing is listed as failed', async () => {
    const saved = readFileSync(inputFile(0));
    rmSync(inputFile(0));
    const ran = await run('report.mjs', {cwd: project, env: {GODEL_INPUTS: inputs}});
    writeFileSync(inputFile(0), saved);
    expect(ran.stdout).toContain('13 checked, 1 optional and not on disk, 1 failed');
    expect(readReport().packages[0]).toMatchObject({path: PACKAGES[0]!.path, state: 'failed'});
    expect(await run('verify.mjs', {cwd: project})).toMatchObject({code: 0});
  });

  test('verify refuses a report that does not agree with the lock file', async () => {
    const short = {...report, packages: report.packages.slice(1)};
    writeFileSync(join(project, 'report.json'), JSON.stringify(short));
    const ran = await run('verify.mjs', {cwd: project});
    expect(ran).toMatchObject({code: 1, stderr: expect.stringContaining('is missing from the report')});
  });

  test('without node_modules it says what to do', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'godel-empty-'));
    folders.push(empty);
    const ran = await run('list.mjs', {cwd: empty});
    expect(ran).toMatchObject({code: 1, stderr: expect.stringContaining('npm ci')});
  });
});
