import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {findProject} from '../../src/project/find-project.ts';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'godel-find-')));
  mkdirSync(join(root, 'a', 'b', 'c'), {recursive: true});
});

afterEach(() => rmSync(root, {recursive: true}));

test('the nearest folder with .godel is the project, also above a git root', () => {
  mkdirSync(join(root, '.godel'));
  mkdirSync(join(root, 'a', 'b', '.git'));
  expect(findProject(join(root, 'a', 'b', 'c'))).toBe(root);
});

test('without .godel the git root is the project, also that of a worktree, where .git is a file', () => {
  writeFileSync(join(root, 'a', '.git'), 'gitdir: elsewhere\n');
  expect(findProject(join(root, 'a', 'b', 'c'))).toBe(join(root, 'a'));
});

test('a file called .godel makes no project', () => {
  writeFileSync(join(root, 'a', 'b', '.godel'), '');
  mkdirSync(join(root, 'a', '.git'));
  expect(findProject(join(root, 'a', 'b'))).toBe(join(root, 'a'));
});

test('a link leads to the same project as its target', () => {
  mkdirSync(join(root, 'a', '.git'));
  symlinkSync(join(root, 'a', 'b'), join(root, 'link'));
  expect(findProject(join(root, 'link'))).toBe(join(root, 'a'));
});
