import {chmodSync, mkdirSync, realpathSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test, vi} from 'vitest';
import {failureText} from '../../src/model/failure-text.ts';
import {findRepository} from '../../src/workspace/repository.ts';
import {GitFixture, gitIn, must, write} from './git-fixture.ts';

const TEAM = {team: 'audit'};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('findRepository', () => {
  test('finds it from a subfolder, and counts what is not committed', async () => {
    using repo = new GitFixture();
    write(repo.root, {'a.txt': 'changed\n', 'new 1.txt': 'x', 'more/new.txt': 'y'});
    // git would write down in the index that it has looked.
    utimesSync(join(repo.root, 'dir', 'b.txt'), new Date(0), new Date(0));
    const before = repo.users();
    expect(must(await findRepository(join(repo.root, 'dir'), TEAM))).toEqual({
      root: repo.root,
      gitFolder: repo.gitFolder,
      prefix: 'dir/',
      base: repo.head,
      branch: 'godel/audit',
      checkedOut: 'main',
      dirtyFiles: 3,
    });
    expect(repo.users()).toEqual(before);
  });

  test('a detached HEAD has no branch', async () => {
    using repo = new GitFixture();
    repo.git('checkout', '--quiet', '--detach');
    expect(must(await findRepository(repo.root, TEAM)).checkedOut).toBeNull();
  });

  test('a repository without commits starts from an empty tree, and its branch stays unborn', async () => {
    using repo = new GitFixture({});
    write(repo.root, {'a.txt': 'not committed yet\n'});
    const found = must(await findRepository(repo.root, TEAM));
    expect(found).toMatchObject({checkedOut: 'main', dirtyFiles: 1});
    expect(repo.git('ls-tree', '-r', found.base)).toBe('');
    expect(must(await findRepository(repo.root, TEAM)).base).toBe(found.base);
    expect(repo.git('for-each-ref')).toBe('');
  });

  test('a linked worktree shares the repository of its own checkout', async () => {
    using repo = new GitFixture();
    const linked = join(repo.temp, 'linked');
    repo.git('worktree', 'add', '--quiet', '-b', 'side', linked);
    const found = must(await findRepository(linked, TEAM));
    expect(found).toMatchObject({root: linked, gitFolder: repo.gitFolder, checkedOut: 'side'});
  });

  test('in a submodule it is the repository of the submodule', async () => {
    using inner = new GitFixture();
    using repo = new GitFixture();
    gitIn(repo.root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
    const found = must(await findRepository(join(repo.root, 'sub', 'dir'), TEAM));
    expect(found).toMatchObject({root: join(repo.root, 'sub'), prefix: 'dir/', base: inner.head});
    const pool = repo.pool();
    const {root, gitFolder, base} = found;
    const workspace = must(await pool.acquire(repo.request(1, {root, gitFolder, base})));
    write(workspace.folder, {'a.txt': 'changed in the submodule\n'});
    expect(must(await workspace.save({subject: 's', author: {name: 'n', email: 'e@x'}}))?.files).toBe(1);
    await workspace.release();
  });

  test('outside of git, in a bare repository and inside `.git` it is refused with the reason', async () => {
    using repo = new GitFixture();
    const bare = join(repo.temp, 'bare');
    gitIn(repo.temp, 'init', '--quiet', '--bare', bare);
    const said: string[] = [];
    for (const folder of [repo.temp, bare, repo.gitFolder]) {
      const found = await findRepository(folder, TEAM);
      expect(found).toMatchObject({ok: false, failure: {reason: 'repository-required', folder}});
      if (!found.ok) said.push(failureText(found.failure));
    }
    expect(said[0]).toContain('not inside of a git repository');
    expect(said[1]).toContain('bare repository');
    expect(said[2]).toContain('`.git` folder');
  });

  test("a checkout of another user's is refused with what to do", async ({skip}) => {
    if (process.getuid?.() !== 0) skip('needs root to give a folder away');
    using repo = new GitFixture();
    const {chownSync} = await import('node:fs');
    for (const path of [repo.root, repo.gitFolder]) chownSync(path, 12_345, 12_345);
    const found = await findRepository(repo.root, TEAM);
    expect(found).toMatchObject({ok: false, failure: {reason: 'git-failed'}});
    if (!found.ok) expect(failureText(found.failure)).toContain(`safe.directory ${repo.root}`);
  });

  test('a branch that is there already is left alone', async () => {
    using repo = new GitFixture();
    repo.git('branch', 'godel/audit');
    repo.git('branch', 'godel/Audit-2/x');
    expect(must(await findRepository(repo.root, TEAM)).branch).toBe('godel/audit-3');
  });

  test('a branch called godel leaves no room for a folder of that name', async () => {
    using repo = new GitFixture();
    repo.git('branch', 'godel');
    expect(must(await findRepository(repo.root, TEAM)).branch).toBe('godel-audit');
    repo.git('branch', 'godel-audit');
    expect(must(await findRepository(repo.root, TEAM)).branch).toBe('godel-audit-2');
  });

  test.each([
    ['missing', null, 'not installed'],
    ['too old', 'git version 2.30.1', 'git 2.30.1 is too old'],
  ])('a git that is %s is said to be, with a hint', async (_name, says, expected) => {
    using repo = new GitFixture();
    const bin = join(repo.temp, 'bin');
    mkdirSync(bin);
    if (says !== null) {
      writeFileSync(join(bin, 'git'), `#!/bin/sh\necho ${says}\n`);
      chmodSync(join(bin, 'git'), 0o755);
    }
    vi.stubEnv('PATH', bin);
    const found = await findRepository(realpathSync(repo.root), TEAM);
    expect(found).toMatchObject({ok: false, failure: {reason: 'git-failed'}});
    if (!found.ok) expect(failureText(found.failure)).toMatch(new RegExp(`${expected}.*nstall`));
  });
});
