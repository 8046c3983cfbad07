import {chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {ownIdentity} from '../../src/os/process-identity.ts';
import {writeDaemonFile} from '../../src/project/daemon-file.ts';
import {prepareFolders} from '../../src/project/prepare-folders.ts';
import {projectPaths} from '../../src/project/project-paths.ts';

let root: string;
let env: {XDG_RUNTIME_DIR: string};

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'godel-paths-')));
  mkdirSync(join(root, 'run'), {mode: 0o700});
  env = {XDG_RUNTIME_DIR: join(root, 'run')};
});

afterEach(() => rmSync(root, {recursive: true}));

test('the socket of a project with a path of 200 characters fits into a Unix address', () => {
  const folder = `/${'long/'.repeat(40)}project`;
  const {socket, projectId} = projectPaths(folder, env);
  expect(socket).toBe(join(root, 'run', 'godel', `${projectId}.sock`));
  expect(Buffer.byteLength(socket)).toBeLessThan(104);
});

test.each([
  ['is not set', {}],
  ['is not there', {XDG_RUNTIME_DIR: '/nowhere/at/all'}],
  ['is relative', {XDG_RUNTIME_DIR: 'run'}],
])('without a runtime folder of the session (%s) it is one in /tmp', (_, given) => {
  expect(projectPaths(root, given).runtimeFolder).toBe(`/tmp/godel-${process.getuid?.()}`);
});

test('a runtime folder that is too long for a socket is not used', () => {
  const long = join(root, 'x'.repeat(90));
  mkdirSync(long);
  expect(projectPaths(root, {XDG_RUNTIME_DIR: long}).runtimeFolder).toBe(`/tmp/godel-${process.getuid?.()}`);
});

test('a shell with another XDG_RUNTIME_DIR finds the socket that the daemon uses', () => {
  const paths = projectPaths(root, env);
  expect(prepareFolders(paths).ok).toBe(true);
  const {runtimeFolder, socket} = paths;
  writeDaemonFile(paths.daemonFile, {process: ownIdentity(), version: '1', runtimeFolder, socket, startedAtMs: 0});
  expect(projectPaths(root, {}).socket).toBe(socket);
});

test('folders are made for their owner alone, and .godel is ignored by git', () => {
  const paths = projectPaths(root, env);
  expect(prepareFolders(paths)).toEqual({ok: true});
  expect(statSync(paths.godelFolder).mode & 0o777).toBe(0o700);
  expect(statSync(paths.runtimeFolder).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(paths.godelFolder, '.gitignore'), 'utf8')).toBe('*\n');
});

test('a runtime folder that others can enter is refused and left as it is', () => {
  const paths = projectPaths(root, env);
  mkdirSync(paths.runtimeFolder);
  chmodSync(paths.runtimeFolder, 0o755);
  expect(prepareFolders(paths)).toMatchObject({
    ok: false,
    failure: {reason: 'project-unusable', path: paths.runtimeFolder, detail: 'can be entered by others (mode 755)'},
  });
  expect(statSync(paths.runtimeFolder).mode & 0o777).toBe(0o755);
});

test('a file in the place of .godel is named, with what to do', () => {
  const paths = projectPaths(root, env);
  writeFileSync(paths.godelFolder, '');
  expect(prepareFolders(paths)).toMatchObject({
    ok: false,
    failure: {
      reason: 'project-unusable',
      path: paths.godelFolder,
      hint: `Move the file that is in the way of ${paths.godelFolder}.`,
    },
  });
});
