import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterEach, beforeEach, expect, it, test} from 'vitest';
import {survey, SurveyIndex} from '../../src/workspace/survey.ts';
import {surveyText} from '../../src/workspace/survey-text.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-survey-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), {recursive: true});
    writeFileSync(join(folder, name), text);
  }
}

function commit(subject: string): void {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {cwd: folder});
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', subject);
}

test('what is committed is surveyed, from any folder', async () => {
  write({
    'package.json': '{"scripts": {"test": "node --test"}}',
    'pnpm-lock.yaml': '',
    'src/a.ts': 'abc',
    'src/b c.ts': '',
    'src/deep/[id].ts': '',
    '.hidden/x.ts': '',
    'packages/x/package.json': '{}',
    'packages/y/go.mod': '',
    'test/a.test.ts': '',
  });
  commit('Begin\n\nMore');
  write({'src/new.ts': ''});
  const found = await survey(folder);
  expect(found).toMatchObject({prefix: '', isRepository: true, omitted: 0, test: 'pnpm test'});
  expect(found.files).toContainEqual({path: 'src/a.ts', bytes: 3});
  expect(found.history).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d Begin$/)]);
  const index = new SurveyIndex(found);
  expect(index.files('src/*.ts')).toEqual(['src/a.ts', 'src/b c.ts']);
  expect(index.files('./src/')).toEqual(['src/a.ts', 'src/b c.ts', 'src/deep/[id].ts']);
  expect(index.files('src/deep/[id].ts')).toEqual(['src/deep/[id].ts']);
  expect(index.files('**/*.ts')).not.toContain('.hidden/x.ts');
  expect(index.files('src/new.ts')).toEqual([]);
  expect(index.folders('packages/*')).toEqual(['packages/x', 'packages/y']);
  expect(index.folders('packages')).toEqual(['packages/x', 'packages/y']);
  expect(index.packages()).toEqual(['packages/x', 'packages/y']);
  const text = surveyText(found, index.packages());
  expect(text).toMatch(/^9 files, 1 KiB; 1 of them look like tests.\nIts tests are run with: pnpm test\n/);
  expect(text).toContain('  .ts: 5\n');

  const below = await survey(join(folder, 'packages/y'));
  expect(below).toMatchObject({prefix: 'packages/y/', files: [{path: 'go.mod'}], test: 'go test ./...'});
});

test('outside of git the files that are there are surveyed, without what others have put there', async () => {
  write({'a.py': '', 'node_modules/x/index.js': '', 'pytest.ini': ''});
  expect(await survey(folder)).toMatchObject({
    isRepository: false,
    files: [
      {path: 'a.py', bytes: null},
      {path: 'pytest.ini', bytes: null},
    ],
    history: [],
    test: 'pytest',
  });
});

it.each([
  [{'package.json': '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, null],
  [{'package.json': '{"scripts": {"test": "x"}}'}, 'npm test'],
  [{'package.json': 'no JSON', 'Cargo.toml': ''}, 'cargo test'],
  [{Makefile: 'all:\n\ttrue\ntest: all\n'}, 'make test'],
  [{Makefile: 'test := x\n'}, null],
  [{'pyproject.toml': '[tool.pytest.ini_options]'}, 'pytest'],
  [{'README.md': 'npm test'}, null],
])('%j is tested with %s', async (files, command) => {
  write(files);
  expect((await survey(folder)).test).toBe(command);
});

test('the text is bounded, and nothing in it can steer a terminal', () => {
  const files = Array.from({length: 5000}, (_, index) => ({
    path: `${'x'.repeat(3000)}${index}/a.e${index}`,
    bytes: 10,
  }));
  const found = {
    prefix: '',
    isRepository: true,
    files,
    omitted: 7,
    history: ['a\u001b[2Jb', 'c'.repeat(5000)],
    test: null,
  };
  const text = surveyText(found, []);
  expect(text.length).toBeLessThanOrEqual(8000);
  expect(text).toContain('5007 files');
  expect(text).not.toContain('\u001b');
});
