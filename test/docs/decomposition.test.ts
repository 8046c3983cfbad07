import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {PRIORITIES} from '../../src/federation/decompose/markers.ts';
import {SKILL_FILES, SKILL_WORDS} from '../../src/federation/decompose/skills.ts';
import {runCli} from '../cli/fake-world.ts';
import {codeBlocks, pages} from './pages.ts';

const page = pages().find(({path}) => path === 'docs/decomposition.md')!;
const blocks = codeBlocks(page);
const examples = blocks.flatMap(({language, code, line}, index) => {
  const before = blocks[index - 1];
  return language === 'yaml' && before?.language === 'sh' ? [[line, before.code.trim(), code] as const] : [];
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-decomposition-'));
  mkdirSync(join(folder, 'src'));
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'src', `${name}.ts`), '');
  writeFileSync(join(folder, 'package.json'), '{"scripts": {"test": "node --test"}}');
  writeFileSync(join(folder, 'todo.md'), blocks.find(({language}) => language === 'markdown')?.code ?? '');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {cwd: folder});
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'Begin');
});
afterAll(() => rmSync(folder, {recursive: true}));

test('the page shows what comes out', () => {
  expect(examples.length).toBeGreaterThan(3);
});

test.each(examples)('line %d: `%s` prints what the page says', async (_line, command, yaml) => {
  const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const {code, stdout} = await runCli(args.slice(1), {cwd: folder});
  expect(code).toBe(0);
  expect(stdout).toBe(yaml);
});

test('the tables say what the program knows', () => {
  const cells = page.text
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line => line.split('|').map(cell => cell.trim()));
  for (const {words, priority} of PRIORITIES) expect(cells).toContainEqual(['', words, String(priority), '']);
  for (const skill of new Set([...Object.keys(SKILL_WORDS), ...Object.keys(SKILL_FILES)])) {
    const files = (SKILL_FILES[skill] ?? []).map(ending => `.${ending}`);
    expect(cells).toContainEqual(['', `\`${skill}\``, (SKILL_WORDS[skill] ?? []).join(', '), files.join(', '), '']);
  }
});
