import {chmodSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterEach, describe, expect, test, vi} from 'vitest';
import {identityOf} from '../../src/os/process-identity.ts';
import {git, gitPaths, gitText} from '../../src/workspace/git.ts';
import {until} from '../rig/until.ts';
import {GitFixture, MESSAGE, must, write} from './git-fixture.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

function program(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('git', () => {
  test('answers with what git printed, whatever the names are', async () => {
    using repo = new GitFixture({'Ü "x"\n.txt': '1', 'b.txt': '2'});
    expect(must(await gitPaths(['ls-files', '-z'], {cwd: repo.root}))).toEqual(['b.txt', 'Ü "x"\n.txt']);
    expect(must(await gitText(['hash-object', '--stdin'], {cwd: repo.root, input: 'hello\n'}))).toBe(
      'ce013625030ba8dba906f756967f9e9ca394464a',
    );
  });

  test('a failure names the command and what git said, in English', async () => {
    using repo = new GitFixture();
    vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
    const done = await git(['worktree', 'add', '--detach', join(repo.temp, 'x'), 'nothing-here'], {cwd: repo.root});
    expect(done).toEqual({
      ok: false,
      failure: {reason: 'git-failed', detail: 'git worktree add: fatal: invalid reference: nothing-here'},
    });
  });

  test('codes that are answers are none', async () => {
    using repo = new GitFixture();
    const args = ['rev-parse', '--verify', '--quiet', 'nothing-here'];
    expect(must(await git(args, {cwd: repo.root, codes: [0, 1]})).exitCode).toBe(1);
    expect((await git(args, {cwd: repo.root})).ok).toBe(false);
  });

  test('no more is read than allowed, and no longer waited', async () => {
    using repo = new GitFixture({'big.txt': 'x'.repeat(100_000)});
    const big = await git(['cat-file', 'blob', 'HEAD:big.txt'], {cwd: repo.root, maxBytes: 1000});
    expect(big).toMatchObject({ok: false, failure: {detail: expect.stringContaining('more than 1000 bytes')}});
    const bin = join(repo.temp, 'bin');
    mkdirSync(bin);
    program(join(bin, 'git'), `echo $$ >>${repo.temp}/pids; sleep 60 & echo $! >>${repo.temp}/pids; wait`);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    const slow = await git(['status'], {cwd: repo.root, timeoutMs: 300});
    expect(slow).toMatchObject({ok: false, failure: {detail: expect.stringContaining('was ended')}});
    const pids = readFileSync(join(repo.temp, 'pids'), 'utf8').trim().split('\n').map(Number);
    expect(pids).toHaveLength(2);
    await until('git and what it had started have ended', () => pids.every(pid => identityOf(pid) === null));
  });

  test('a worktree that somebody is just making is no failure', async () => {
    using repo = new GitFixture();
    const admin = join(repo.gitFolder, 'worktrees', 'half');
    mkdirSync(admin, {recursive: true});
    writeFileSync(join(admin, 'gitdir'), `${repo.temp}/half/.git\n`);
    writeFileSync(join(admin, 'HEAD'), `${repo.head}\n`);
    writeFileSync(join(admin, 'commondir'), '');
    const args = ['for-each-ref', '--format=%(refname) %(worktreepath)', 'refs/heads'];
    const reading = gitText(args, {cwd: repo.root});
    const adding = git(['worktree', 'add', '--quiet', '--detach', join(repo.temp, 'other'), 'HEAD'], {cwd: repo.root});
    expect(() => repo.git(...args)).toThrow('commondir');
    writeFileSync(join(admin, 'commondir'), '../..\n');
    expect(must(await reading)).toBe(`refs/heads/main ${repo.root}`);
    expect((await adding).ok).toBe(true);
  });

  test('the lock of a git that was killed holds up no ref of ours for long, and is left to others otherwise', async () => {
    using repo = new GitFixture();
    const refs = ['refs/godel/audit/fix/1', 'refs/heads/godel/audit', 'refs/heads/mine'];
    const locks = refs.map(ref => join(repo.gitFolder, `${ref}.lock`));
    for (const lock of locks) {
      mkdirSync(dirname(lock), {recursive: true});
      writeFileSync(lock, '');
    }
    const update = (ref = '') => git(['update-ref', ref, repo.head], {cwd: repo.root});
    expect((await update(refs[1])).ok, 'it may be at work').toBe(false);
    const first = update(refs[0]);
    const before = Date.now() / 1000 - 60;
    for (const lock of locks.slice(1)) utimesSync(lock, before, before);
    expect(must(await update(refs[1])).exitCode).toBe(0);
    expect(must(await first).exitCode, 'waited for').toBe(0);
    expect((await update(refs[2])).ok).toBe(false);
    expect(locks.map(lock => existsSync(lock))).toEqual([false, false, true]);
  });

  test('is ended together with the work it is for', async () => {
    using repo = new GitFixture();
    const ending = new AbortController();
    const waiting = git(['hash-object', '--stdin-paths'], {
      cwd: repo.root,
      signal: ending.signal,
      input: 'a.txt\n'.repeat(200_000),
    });
    ending.abort();
    expect(await waiting).toMatchObject({ok: false, failure: {reason: 'git-failed'}});
    const late = await git(['status'], {cwd: repo.root, signal: ending.signal});
    expect(late).toMatchObject({ok: false, failure: {detail: expect.stringContaining('not begun')}});
  });

  test("the user's configuration and the caller's variables change nothing", async () => {
    using repo = new GitFixture();
    const home = join(repo.temp, 'home');
    const marks = join(repo.temp, 'marks');
    for (const folder of [home, marks, join(home, 'hooks')]) mkdirSync(folder);
    for (const hook of ['post-checkout', 'pre-commit', 'reference-transaction', 'post-index-change']) {
      program(join(home, 'hooks', hook), `touch ${marks}/${hook}; exit 1`);
    }
    program(join(home, 'monitor'), `touch ${marks}/fsmonitor; exit 1`);
    writeFileSync(
      join(home, '.gitconfig'),
      `[core]\n hooksPath=${home}/hooks\n fsmonitor=${home}/monitor\n quotePath=true\n safecrlf=true\n autocrlf=input\n editor=false\n splitIndex=true
[commit]\n gpgSign=true\n[gpg]\n program=false\n[user]\n useConfigOnly=true\n[diff]\n external=false\n noprefix=true\n[color]\n ui=always
[status]\n showUntrackedFiles=no\n[rerere]\n enabled=true\n[checkout]\n guess=false\n[worktree]\n guessRemote=true\n[branch]\n autoSetupMerge=always\n`,
    );
    vi.stubEnv('HOME', home);
    vi.stubEnv('GIT_DIR', '/nowhere');
    vi.stubEnv('GIT_INDEX_FILE', '/nowhere/index');
    vi.stubEnv('GIT_WORK_TREE', '/');
    const before = repo.users();
    const pool = repo.pool();
    const workspace = must(await pool.acquire(repo.request(1)));
    write(workspace.folder, {'ü.txt': 'one\r\ntwo\r\n', 'a.txt': null});
    const work = must(await workspace.save(MESSAGE));
    expect(work).toMatchObject({files: 2, insertions: 2, deletions: 1});
    expect(must(await workspace.changedFiles())).toEqual(['a.txt', 'ü.txt']);
    await workspace.release();
    await pool.collect({count: 0});
    expect(
      ['post-checkout', 'pre-commit', 'reference-transaction', 'post-index-change', 'fsmonitor'].filter(name =>
        existsSync(join(marks, name)),
      ),
    ).toEqual([]);
    expect(repo.users()).toEqual(before);
  });
});
