import {execFileSync} from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {type Entry, GitFixture, gitIn, MESSAGE, must, treeOf, treeOfCommit, write} from './git-fixture.ts';

describe('saving what is in a worktree', () => {
  test('dirty, new, removed and committed files are one commit on the base, in the ref of the attempt', async () => {
    using repo = new GitFixture({
      'a.txt': 'a\n',
      'dir/b.txt': 'b\n',
      'gone.txt': 'x\n',
      'tool.sh': 'echo\n',
      '.gitignore': '*.log\n',
    });
    const before = repo.users();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    const {folder} = workspace;
    expect(treeOf(folder)).toEqual(treeOf(repo.root, {except: ['.git', '.godel']}));
    write(folder, {'a.txt': 'committed\n', 'first.txt': '1\n'});
    repo.git('-C', folder, 'add', '-A');
    repo.git('-C', folder, 'commit', '-qm', 'The agent commits');
    write(folder, {
      'a.txt': 'committed, then changed\n',
      'dir/b.txt': null,
      'gone.txt': null,
      'new/deep/c.txt': 'c\n',
      link: {link: 'a.txt'},
      'tool.sh': {x: 'echo\n'},
      'noise.log': 'ignored\n',
    });
    const staged = gitIn(folder, 'status', '--porcelain=v2');
    const work = must(await workspace.save(MESSAGE));
    expect(work).toMatchObject({base: repo.head, ref: 'refs/godel/audit/fix/1', files: 7});
    const commit = work?.commit ?? '';
    expect(repo.git('show', '-s', '--format=%P %an <%ae> %s', commit)).toBe(
      `${repo.head} Agent <agent@example.com> Do the task`,
    );
    const kept = Object.fromEntries(Object.entries(treeOf(folder)).filter(([file]) => file !== 'noise.log'));
    expect(treeOfCommit(repo, commit)).toEqual(kept);
    expect(must(await workspace.changedFiles())).toEqual(
      ['a.txt', 'dir/b.txt', 'first.txt', 'gone.txt', 'link', 'new/deep/c.txt', 'tool.sh'].toSorted(),
    );
    expect(gitIn(folder, 'status', '--porcelain=v2'), 'the worktree and its index are left as they were').toBe(staged);
    expect(repo.git('rev-parse', 'refs/godel/audit/fix/1')).toBe(commit);
    await workspace.release();
    expect(repo.users()['status']).toBe(before['status']);
    expect(repo.users()['refs']).toBe(before['refs']);
    expect(repo.users()['.git/index']).toBe(before['.git/index']);
  });

  test('the same again is the same commit; no difference is no commit and no ref', async () => {
    using repo = new GitFixture();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    expect(must(await workspace.save(MESSAGE))).toBeNull();
    expect(repo.git('for-each-ref', 'refs/godel')).toBe('');
    write(workspace.folder, {'a.txt': 'changed\n'});
    const first = must(await workspace.save(MESSAGE));
    expect(must(await workspace.save({...MESSAGE, subject: 'Said otherwise'}))).toEqual(first);
    write(workspace.folder, {'a.txt': 'a\n'});
    expect(must(await workspace.save(MESSAGE))).toBeNull();
    expect(repo.git('for-each-ref', 'refs/godel')).toBe('');
  });

  test('any edits of any files: the commit has exactly the files that are not ignored', async () => {
    using repo = new GitFixture({
      '.gitignore': 'ignored*\nbuild/\n',
      'keep.txt': 'k\n',
      'a/b': '1\n',
      'a/c': '2\n',
      'x y': '3\n',
    });
    const pool = repo.pool();
    let attempt = 0;
    const name = fc.constantFrom(
      'a',
      'b',
      'c',
      'x y',
      'ü',
      'keep.txt',
      '-n',
      '*',
      ':(top)',
      'build',
      'ignored1',
      '"q"',
      '.hidden',
      'NUL',
    );
    const path = fc.array(name, {minLength: 1, maxLength: 3}).map(parts => parts.join('/'));
    const entry: fc.Arbitrary<Entry | null> = fc.oneof(
      fc.string({maxLength: 8}),
      fc.string({maxLength: 8}).map(x => ({x})),
      fc.constantFrom({link: 'a'}, {link: 'nowhere'}, {link: '../outside'}),
      fc.constant(null),
    );
    const edits = fc.array(fc.tuple(path, entry, fc.constantFrom('leave', 'add', 'commit', 'unstage')), {maxLength: 8});
    // A file takes the place of a folder in which git knows of something.
    const fileForFolder: [string, Entry | null, 'leave' | 'add'][] = [
      ['b/a/a', {x: ''}, 'leave'],
      ['a', '', 'add'],
      ['b', {x: ''}, 'leave'],
    ];
    const before = repo.users();
    await fc.assert(
      fc.asyncProperty(edits, async steps => {
        attempt += 1;
        const workspace = must(await pool.acquire(repo.request(attempt)));
        const {folder} = workspace;
        expect(treeOf(folder), 'a worktree that was used before is as new').toEqual(
          treeOf(repo.root, {except: ['.git', '.godel']}),
        );
        for (const [file, value, then] of steps) {
          if (isBlocked(folder, file)) continue;
          write(folder, {[file]: value});
          if (then === 'add' || then === 'commit') gitIn(folder, 'add', '--all');
          if (then === 'commit') gitIn(folder, 'commit', '--quiet', '--allow-empty', '-m', 'By the agent');
          if (then === 'unstage') gitIn(folder, 'rm', '-r', '--cached', '--force', '--quiet', '--ignore-unmatch', '.');
        }
        const present = treeOf(folder);
        const ignored = new Set(ignoredIn(folder));
        const kept = Object.fromEntries(Object.entries(present).filter(([file]) => !ignored.has(file)));
        const work = must(await workspace.save(MESSAGE));
        const changed = must(await workspace.changedFiles());
        const base = treeOf(repo.root, {except: ['.git', '.godel']});
        expect(work === null ? base : treeOfCommit(repo, work.commit)).toEqual(kept);
        expect(work?.files ?? 0).toBe(changed.length);
        expect(changed).toEqual(
          [...new Set([...Object.keys(base), ...Object.keys(kept)])]
            .filter(file => base[file] !== kept[file])
            .toSorted(),
        );
        await workspace.release();
      }),
      {numRuns: 12, examples: [[fileForFolder]]},
    );
    expect(repo.users()).toEqual(before);
  }, 120_000);

  test('files of repositories made within are kept as files', async () => {
    using repo = new GitFixture();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    const {folder} = workspace;
    for (const [name, commits] of [
      ['empty', 0],
      ['full', 1],
      ['added', 1],
    ] as const) {
      gitIn(folder, 'init', '--quiet', name);
      write(join(folder, name), {'in.txt': `${name}\n`, '.gitignore': '*.o\n', 'x.o': 'o'});
      if (commits === 1) gitIn(join(folder, name), 'add', '-A');
      if (commits === 1) gitIn(join(folder, name), 'commit', '-qm', 'inner');
    }
    gitIn(join(folder, 'full'), 'init', '--quiet', 'deeper');
    write(join(folder, 'full', 'deeper'), {'deep.txt': 'deep\n'});
    gitIn(folder, 'add', 'added');
    const work = must(await workspace.save(MESSAGE));
    const tree = treeOfCommit(repo, work?.commit ?? '');
    const expected = ['empty/in.txt', 'full/in.txt', 'full/deeper/deep.txt', 'added/in.txt', 'empty/.gitignore'];
    for (const file of expected) expect(Object.keys(tree)).toContain(file);
    expect(Object.keys(tree).filter(file => file.endsWith('.o'))).toEqual([]);
    expect(repo.git('show', '-s', '--format=%b', work?.commit ?? '')).toContain('full/deeper');
    expect(repo.git('ls-tree', '-r', work?.commit ?? '')).not.toContain('160000');
    await workspace.release();
    expect(treeOf(folder)).toEqual(treeOf(repo.root, {except: ['.git', '.godel']}));
  });

  test("an agent that removes or replaces the worktree's `.git` loses nothing", async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    for (const [attempt, harm] of [
      [1, (folder: string) => rmSync(join(folder, '.git'))],
      [
        2,
        (folder: string) => {
          rmSync(join(folder, '.git'));
          gitIn(folder, 'init', '--quiet');
          gitIn(folder, 'add', '-A');
          gitIn(folder, 'commit', '-qm', 'A repository of its own');
        },
      ],
      [3, (folder: string) => rmSync(adminOf(folder), {recursive: true})],
      [4, (folder: string) => writeFileSync(join(adminOf(folder), 'index'), 'broken')],
      [5, (folder: string) => truncateSync(join(adminOf(folder), 'index'), 40)],
    ] as const) {
      const workspace = must(await pool.acquire(repo.request(attempt)));
      write(workspace.folder, {'a.txt': `changed ${attempt}\n`, 'new.txt': 'n\n', 'dir/b.txt': null});
      harm(workspace.folder);
      const work = must(await workspace.save(MESSAGE));
      expect(Object.keys(treeOfCommit(repo, work?.commit ?? '')), `harm ${attempt}`).toEqual(['a.txt', 'new.txt']);
      await workspace.release();
      const next = must(await pool.acquire(repo.request(attempt + 100)));
      expect(treeOf(next.folder), `after harm ${attempt}`).toEqual(treeOf(repo.root, {except: ['.git', '.godel']}));
      await next.release();
    }
  });

  test('files that git was told to look away from are seen', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const workspace = must(await pool.acquire(repo.request(1)));
    gitIn(workspace.folder, 'update-index', '--assume-unchanged', 'a.txt');
    write(workspace.folder, {'a.txt': 'hidden change\n'});
    expect(must(await workspace.changedFiles())).toEqual(['a.txt']);
    await workspace.release();
    const next = must(await pool.acquire(repo.request(2)));
    expect(readFileSync(join(next.folder, 'a.txt'), 'utf8')).toBe('a\n');
  });

  test.skipIf(process.platform === 'darwin')('names that are not UTF-8 are kept byte for byte', async () => {
    using repo = new GitFixture({'a.txt': 'a\n'});
    const named = (name: string) => Buffer.from(`${repo.root}/${name}`, 'latin1');
    writeFileSync(named('caf\xe9'), 'old\n');
    writeFileSync(named('gone\xff'), 'old\n');
    repo.commit({});
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    const {folder} = workspace;
    const at = (name: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
    writeFileSync(at('caf\xe9'), 'new\n');
    execFileSync('bash', ['-c', `rm $'gone\\xff'`], {cwd: folder});
    mkdirSync(at('d\xfe'));
    writeFileSync(at('d\xfe/\xc3\x28'), 'deep\n');
    mkdirSync(at('r\xfe'));
    execFileSync('bash', ['-c', `cd $'r\\xfe' && git init -q . && echo 1 >x`], {cwd: folder});
    const work = must(await workspace.save(MESSAGE));
    const args = ['diff-tree', '-r', '--name-status', '-z', repo.head, work?.commit ?? ''];
    const changed = execFileSync('git', args, {cwd: repo.root}).toString('latin1');
    expect(changed).toBe('M\0caf\xe9\0A\0d\xfe/\xc3\x28\0D\0gone\xff\0');
    expect(repo.git('show', '-s', '--format=%B', work?.commit ?? '')).toContain('Left out');
    expect(must(await workspace.changedFiles())).toHaveLength(4);
  });

  test('tracked files are gone when their folder has become a link that is ignored', async () => {
    using repo = new GitFixture({'a.txt': 'a\n', 'out/b.txt': 'b\n', '.gitignore': '/out\n'});
    repo.git('add', '--force', 'out/b.txt');
    repo.commit({});
    write(repo.temp, {'elsewhere/b.txt': 'not the same\n'});
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    write(workspace.folder, {out: {link: join(repo.temp, 'elsewhere')}});
    expect(must(await workspace.changedFiles())).toEqual(['out/b.txt']);
    expect(must(await workspace.save(MESSAGE))).toMatchObject({files: 1, deletions: 1});
  });

  test('what git cannot take in is left out, and the rest is kept', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const workspace = must(await pool.acquire(repo.request(1)));
    rmSync(join(workspace.folder, 'a.txt'));
    execFileSync('mkfifo', [join(workspace.folder, 'a.txt')]);
    write(workspace.folder, {'dir/b.txt': 'changed\n', 'new.txt': 'n\n'});
    const work = must(await workspace.save(MESSAGE));
    expect(repo.git('diff', '--name-only', repo.head, work?.commit ?? '').split('\n')).toEqual([
      'dir/b.txt',
      'new.txt',
    ]);
    expect(must(await workspace.changedFiles())).toEqual(['a.txt', 'dir/b.txt', 'new.txt']);
    await workspace.release();
    const next = must(await pool.acquire(repo.request(2)));
    expect(treeOf(next.folder)).toEqual(treeOf(repo.root, {except: ['.git', '.godel']}));
  });

  test('a file that is changed in the second of its checkout, and stays as long as it was, is seen', async () => {
    using repo = new GitFixture({'a.txt': 'old\n'});
    repo.git('config', 'core.trustctime', 'false');
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    const file = join(workspace.folder, 'a.txt');
    const then = Math.floor(Date.now() / 1000) - 60;
    utimesSync(file, then, then);
    gitIn(workspace.folder, 'update-index', '--refresh');
    utimesSync(join(repo.gitFolder, 'worktrees', 'godel-1', 'index'), then, then);
    writeFileSync(file, 'new\n');
    utimesSync(file, then, then);
    expect(must(await workspace.changedFiles())).toEqual(['a.txt']);
  });

  test('too large files are left out, and named', async () => {
    using repo = new GitFixture();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    write(workspace.folder, {'small.txt': 's\n', 'core.1': ''});
    truncateSync(join(workspace.folder, 'core.1'), 101 * 2 ** 20);
    const work = must(await workspace.save(MESSAGE));
    expect(Object.keys(treeOfCommit(repo, work?.commit ?? ''))).not.toContain('core.1');
    expect(repo.git('show', '-s', '--format=%b', work?.commit ?? '')).toContain('core.1');
    expect(must(await workspace.changedFiles())).toEqual(['core.1', 'small.txt']);
  });

  test('a file that cannot be read is left out, and the others are kept', async ({skip}) => {
    if (process.getuid?.() === 0) skip('root reads everything');
    using repo = new GitFixture();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    write(workspace.folder, {'secret.txt': 'cannot be read\n', 'new.txt': 'n\n'});
    chmodSync(join(workspace.folder, 'secret.txt'), 0);
    mkdirSync(join(workspace.folder, 'closed'), {mode: 0});
    const work = must(await workspace.save(MESSAGE));
    expect(repo.git('diff', '--name-only', repo.head, work?.commit ?? '')).toBe('new.txt');
    expect(must(await workspace.changedFiles())).toEqual(['closed', 'new.txt', 'secret.txt']);
  });

  test('an agent that writes all the time is no reason to fail', async () => {
    using repo = new GitFixture();
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    const file = join(workspace.folder, 'busy.txt');
    let isBusy = true;
    const busy = (async () => {
      for (let round = 0; isBusy; round += 1) {
        appendFileSync(file, `${round}\n`);
        const short = join(workspace.folder, `short-${round % 7}`);
        writeFileSync(short, 'x');
        await new Promise(setImmediate);
        rmSync(short, {force: true});
      }
    })();
    try {
      for (let round = 0; round < 10; round += 1) {
        expect(must(await workspace.save(MESSAGE))?.files).toBeGreaterThanOrEqual(1);
      }
    } finally {
      isBusy = false;
      await busy;
    }
  });

  test('what another project has kept under the same name is moved beside it', async () => {
    using repo = new GitFixture();
    const first = must(await repo.pool().acquire(repo.request(1)));
    write(first.folder, {'a.txt': 'of the first project\n'});
    const old = must(await first.save(MESSAGE));
    await first.release();
    rmSync(join(repo.root, '.godel'), {recursive: true});
    mkdirSync(repo.poolFolder, {recursive: true});
    const second = must(await repo.pool().acquire(repo.request(1)));
    write(second.folder, {'a.txt': 'of the second project\n'});
    must(await second.save(MESSAGE));
    write(second.folder, {'a.txt': 'of the second project, more\n'});
    const work = must(await second.save(MESSAGE));
    const refs = repo.git('for-each-ref', '--format=%(objectname)', 'refs/godel').split('\n');
    expect(refs.toSorted()).toEqual([old?.commit, work?.commit].toSorted());
  });
});

function adminOf(folder: string): string {
  return readFileSync(join(folder, '.git'), 'utf8').replace('gitdir: ', '').trim();
}

/** Whether a part of the path is a file or link, or the path is a folder whose files would vanish with it. */
function isBlocked(folder: string, path: string): boolean {
  const parts = path.split('/');
  return parts.slice(0, -1).some((_, index) => {
    const above = join(folder, ...parts.slice(0, index + 1));
    return existsSync(above) ? !isFolder(above) : isLink(above);
  });
}

function isFolder(path: string): boolean {
  return !isLink(path) && existsSync(`${path}/.`);
}

function isLink(path: string): boolean {
  try {
    execFileSync('test', ['-L', path]);
    return true;
  } catch {
    return false;
  }
}

/** Ignored and not in the index of the worktree: what is in the index counts, ignored or not. */
function ignoredIn(folder: string): readonly string[] {
  return gitIn(folder, 'ls-files', '--others', '--ignored', '--exclude-standard', '-z').split('\0');
}
