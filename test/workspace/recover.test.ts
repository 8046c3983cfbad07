import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {applyKept, branchKept, findKept, listKept, patchOf} from '../../src/workspace/recover.ts';
import {refOf} from '../../src/workspace/ref-names.ts';
import {runCli} from '../cli/fake-world.ts';
import {type Entry, GitFixture, gitIn, MESSAGE, must, write} from './git-fixture.ts';

/** Lets an attempt change files, and keeps that. */
async function keep(repo: GitFixture, attempt: number, files: Record<string, Entry | null>, task = 'fix it') {
  const ref = refOf({team: 'audit', task, attempt});
  const workspace = must(await repo.pool().acquire(repo.request(attempt, {ref})));
  write(workspace.folder, files);
  const work = must(await workspace.save(MESSAGE));
  await workspace.release();
  if (work === null) throw new Error('nothing was changed');
  return work;
}

/** Text, but not UTF-8. */
const LATIN = Buffer.from('caf\xe9\n', 'latin1');

describe('kept work', () => {
  test('is listed with whose it is and how much, and whether a branch has it', async () => {
    using repo = new GitFixture();
    const work = await keep(repo, 3, {'a.txt': '1\n2\n', 'dir/b.txt': null, 'new.txt': 'n\n'});
    const first = must(await listKept(repo.root));
    expect(first).toMatchObject([
      {
        team: 'audit',
        task: 'fix it',
        attempt: 3,
        commit: work.commit,
        base: repo.head,
        subject: 'Do the task',
        author: 'Agent',
        files: 3,
        insertions: 3,
        deletions: 2,
        merged: false,
      },
    ]);
    expect(Math.abs(Date.now() - (first[0]?.savedMs ?? 0))).toBeLessThan(60_000);
    repo.git('switch', '--quiet', '-c', 'godel/audit');
    repo.git(
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'fix it\n\nGodel-Team: audit\nGodel-Task: fix it\nGodel-Attempt: 3\n',
    );
    expect(must(await listKept(repo.root))).toMatchObject([{merged: true}]);
  });

  test('is found by its name, its ref and its commit', async () => {
    using repo = new GitFixture();
    const work = await keep(repo, 3, {'a.txt': 'x\n'});
    await keep(repo, 4, {'a.txt': 'y\n'});
    for (const name of ['audit/fix%20it/3', work.ref, work.commit.slice(0, 10)]) {
      expect(must(await findKept(name, repo.root)).attempt).toBe(3);
    }
    expect(await findKept('audit/fix/9', repo.root)).toMatchObject({ok: false, failure: {reason: 'usage'}});
  });

  test('as a patch it makes the same files of the base, whatever is in them', async () => {
    using repo = new GitFixture({'a.txt': 'a\n', 'gone.txt': 'g\n', 'tool.sh': 'x\n'});
    const work = await keep(repo, 1, {
      'a.txt': 'ü\0binary\n',
      'gone.txt': null,
      'tool.sh': {x: 'x\n'},
      link: {link: 'a.txt'},
      'l.txt': LATIN,
    });
    const patch = must(await patchOf(must(await findKept(work.ref, repo.root)), repo.root));
    const {git} = await import('../../src/workspace/git.ts');
    must(await git(['apply', '--index'], {cwd: repo.root, input: patch}));
    expect(repo.git('write-tree')).toBe(repo.git('rev-parse', `${work.commit}^{tree}`));
  });

  test('is applied as uncommitted changes beside those of the user, onto a branch that went on', async () => {
    using repo = new GitFixture({'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\n9\n', 'own.txt': 'o\n'});
    const work = await keep(repo, 1, {'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\nlast\n', 'new.txt': 'n\n'});
    repo.commit({'a.txt': 'first\n2\n3\n4\n5\n6\n7\n8\n9\n'});
    write(repo.root, {'own.txt': 'being worked on\n', 'own-new.txt': 'x\n'});
    const index = readFileSync(join(repo.gitFolder, 'index'));
    const found = must(await findKept(work.ref, repo.root));
    expect(must(await applyKept(found, {root: repo.root, checkedOut: 'main'}))).toBe(2);
    expect(readFileSync(join(repo.root, 'a.txt'), 'utf8')).toBe('first\n2\n3\n4\n5\n6\n7\n8\nlast\n');
    expect(repo.git('status', '--porcelain').split('\n')).toEqual([
      ' M a.txt',
      ' M own.txt',
      '?? new.txt',
      '?? own-new.txt',
    ]);
    expect(readFileSync(join(repo.gitFolder, 'index'))).toEqual(index);
  });

  test('that conflicts with what is committed, or with uncommitted changes, changes nothing', async () => {
    using repo = new GitFixture({'a.txt': '1\n2\n3\n', 'b.txt': 'b\n'});
    const work = must(
      await findKept(
        (await keep(repo, 1, {'a.txt': '1\ntheirs\n3\n', 'b.txt': 'theirs\n', 'c.txt': 'theirs\n'})).ref,
        repo.root,
      ),
    );
    const place = {root: repo.root, checkedOut: 'main'};
    write(repo.root, {'b.txt': 'mine\n', 'c.txt': 'mine\n'});
    const dirty = repo.users();
    expect(await applyKept(work, place)).toMatchObject({
      ok: false,
      failure: {
        reason: 'workspace-failed',
        detail: expect.stringMatching(/in b\.txt, c\.txt; nothing was changed/),
        hint: expect.stringContaining('--branch'),
      },
    });
    expect(repo.users()).toEqual(dirty);
    repo.commit({'a.txt': '1\nours\n3\n'});
    const committed = repo.users();
    expect(await applyKept(work, place)).toMatchObject({
      ok: false,
      failure: {reason: 'merge-conflict', files: ['a.txt', 'b.txt', 'c.txt'], ref: work.ref, branch: 'main'},
    });
    expect(repo.users()).toEqual(committed);
  });

  test('as a branch it leaves the checkout alone, and no branch is overwritten', async () => {
    using repo = new GitFixture();
    const work = must(await findKept((await keep(repo, 1, {'a.txt': 'x\n'})).ref, repo.root));
    const status = repo.git('status', '--porcelain');
    must(await branchKept(work, {root: repo.root, branch: 'by-hand'}));
    expect(repo.git('rev-parse', 'by-hand')).toBe(work.commit);
    expect(repo.git('status', '--porcelain')).toBe(status);
    for (const branch of ['main', 'a..b', '-x']) {
      expect(await branchKept(work, {root: repo.root, branch}), branch).toMatchObject({
        ok: false,
        failure: {reason: 'usage'},
      });
    }
  });
});

describe('godel recover', () => {
  test('lists, shows, applies and forgets, from a subfolder and without a daemon', async () => {
    using repo = new GitFixture();
    const cwd = join(repo.root, 'dir');
    const run = (...args: string[]) => runCli(['recover', ...args], {cwd});
    expect((await run('list')).stdout).toBe('No work of agents is kept here.\n');
    const work = await keep(repo, 7, {'a.txt': 'changed\n'});
    const list = await run('list');
    expect(list.stdout).toMatch(
      /^WORK +TEAM .*\naudit\/fix%20it\/7 +audit +fix it +7 +.* ago +1 file, \+1 -1 +not merged\n$/,
    );
    expect(JSON.parse((await run('list', '--team', 'other', '--json')).stdout)).toEqual({v: 1, work: []});
    expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject({
      v: 1,
      work: [{name: 'audit/fix%20it/7', commit: work.commit, merged: false}],
    });
    const shown = await run('show', 'audit/fix%20it/7');
    expect(shown.stdout).toMatch(/^diff --git a\/a\.txt b\/a\.txt\n[^]*\n-a\n\+changed\n$/);
    expect(shown.stderr).toContain('Task fix it of team audit, attempt 7');
    expect((await run('apply', work.ref, '--branch', 'by-hand')).stdout).toBe('Branch by-hand has audit/fix%20it/7.\n');
    expect(JSON.parse((await run('apply', work.ref, '--json')).stdout)).toEqual({
      v: 1,
      name: 'audit/fix%20it/7',
      folder: repo.root,
      files: 1,
    });
    expect(repo.git('diff', '--name-only')).toBe('a.txt');
    const again = await run('apply', work.ref);
    expect(again).toMatchObject({code: 1, stdout: '', stderr: expect.stringContaining('--branch NAME')});
    const commit = gitIn(
      repo.root,
      'commit-tree',
      `${work.commit}^{tree}`,
      '-p',
      repo.head,
      '-m',
      'x\n\nGodel-Attempt: 7\nGodel-Task: fix it\nGodel-Team: audit',
    );
    await keep(repo, 8, {'a.txt': 'another\n'});
    repo.git('branch', 'godel/audit', commit);
    const env = {cwd};
    expect((await runCli(['recover', 'clean'], env)).code).toBe(2);
    expect(JSON.parse((await run('clean', '--older-than', '1h', '--json')).stdout)).toEqual({
      v: 1,
      removed: [],
      notMerged: 0,
    });
    expect(JSON.parse((await run('clean', '--older-than', '1ms', '--json')).stdout)).toEqual({
      v: 1,
      removed: ['audit/fix%20it/7'],
      notMerged: 1,
    });
    expect((await run('clean', '--older-than', '1ms', '--not-merged')).stdout).toBe(
      '1 piece of kept work forgotten.\n',
    );
    expect(repo.git('for-each-ref', 'refs/godel')).toBe('');
  });

  test('says why it cannot', async () => {
    using repo = new GitFixture();
    const outside = await runCli(['recover', 'list'], {cwd: repo.temp});
    expect(outside).toMatchObject({code: 2, stderr: expect.stringContaining('not inside of a git repository')});
    const nothing = await runCli(['recover', 'show', 'x/y/1'], {cwd: repo.root});
    expect(nothing).toMatchObject({code: 2, stderr: expect.stringContaining('godel recover list')});
  });
});
