import {spawn} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test, vi} from 'vitest';
import {identityOf, ownIdentity} from '../../src/os/process-identity.ts';
import {type Claim, Claims} from '../../src/workspace/claim.ts';
import type {Workspace} from '../../src/workspace/workspace.ts';
import {until} from '../rig/until.ts';
import {type Entry, GitFixture, gitIn, MESSAGE, must, treeOf, treeOfCommit, write} from './git-fixture.ts';

const FRESH = {except: ['.git', '.godel']};

function read(workspace: Workspace, file: string): string {
  return readFileSync(join(workspace.folder, file), 'utf8');
}

describe('the pool of worktrees', () => {
  test('many at a time: each gets its own, and nothing of the user changes', async () => {
    using repo = new GitFixture();
    write(repo.root, {'a.txt': 'dirty\n', 'untracked.txt': 'u\n'});
    repo.git('stash', 'push', '--quiet', '--include-untracked');
    write(repo.root, {'a.txt': 'dirty again\n', 'untracked.txt': 'u2\n'});
    const before = repo.users();
    const pool = repo.pool();
    const results = await Promise.all(Array.from({length: 60}, (_, index) => pool.acquire(repo.request(index + 1))));
    const workspaces = results.map(must);
    expect(new Set(workspaces.map(({folder}) => folder)).size).toBe(60);
    for (const {folder} of workspaces)
      expect(treeOf(folder)).toEqual({'a.txt': expect.any(String), 'dir/b.txt': expect.any(String)});
    await Promise.all(
      workspaces.slice(0, 20).map(async (workspace, index) => {
        write(workspace.folder, {[`new-${index}.txt`]: 'n\n'});
        expect(must(await workspace.save(MESSAGE))?.files).toBe(1);
      }),
    );
    await Promise.all(workspaces.map(workspace => workspace.release()));
    await pool.collect({count: 3});
    expect(readdirSync(repo.poolFolder)).toHaveLength(3);
    expect(repo.git('worktree', 'list').split('\n')).toHaveLength(4);
    expect(repo.users()).toEqual(before);
  }, 180_000);

  test('a released worktree is given out again, at the new base, whatever was left in it', async () => {
    using repo = new GitFixture({'a.txt': 'a\n', 'dir/b.txt': 'b\n', '.gitignore': 'out/\n'});
    const pool = repo.pool();
    const first = must(await pool.acquire(repo.request(1)));
    const {folder} = first;
    write(folder, {'a.txt': 'x\n', 'dir/b.txt': null, 'out/big.o': 'o', 'new/n': 'n'});
    gitIn(folder, 'switch', '--quiet', '-c', 'agents-own');
    gitIn(folder, 'commit', '-qam', 'On a branch of its own');
    expect(() => gitIn(folder, 'rebase', '--exec', 'false', 'HEAD~1')).toThrow();
    writeFileSync(join(repo.gitFolder, 'worktrees', 'godel-1', 'index.lock'), '');
    mkdirSync(join(folder, 'closed', 'deep'), {recursive: true});
    chmodSync(join(folder, 'closed', 'deep'), 0o500);
    chmodSync(join(folder, 'closed'), 0o500);
    await first.release();
    const base = repo.commit({'a.txt': 'newer\n', 'c.txt': 'c\n'});
    const second = must(await pool.acquire(repo.request(2)));
    expect(second.folder).toBe(folder);
    expect(gitIn(folder, 'rev-parse', 'HEAD')).toBe(base);
    expect(gitIn(folder, 'status')).toMatch(/^HEAD detached at .*\nnothing to commit, working tree clean$/);
    expect(treeOf(folder)).toEqual(treeOf(repo.root, FRESH));
    expect(second.resumed).toBe(false);
  });

  test("what is configured for a worktree alone is not handed on, and leads git to nobody else's files", async () => {
    using repo = new GitFixture({'a.txt': 'a\n', 'dir/b.txt': 'b\n', 'other/c.txt': 'c\n'});
    repo.git('config', 'extensions.worktreeConfig', 'true');
    const pool = repo.pool();
    const led = must(await pool.acquire(repo.request(1)));
    const narrowed = must(await pool.acquire(repo.request(2)));
    write(repo.root, {'a.txt': "the user's own change\n"});
    const before = repo.users();
    write(led.folder, {'a.txt': 'x\n'});
    gitIn(led.folder, 'config', '--worktree', 'core.worktree', repo.root);
    gitIn(narrowed.folder, 'sparse-checkout', 'set', 'dir');
    expect(must(await led.save(MESSAGE))?.files).toBe(1);
    await Promise.all([led.release(), narrowed.release()]);
    expect(repo.users()).toEqual(before);
    for (const attempt of [3, 4]) {
      const {folder} = must(await pool.acquire(repo.request(attempt)));
      expect(gitIn(folder, 'rev-parse', '--show-toplevel')).toBe(folder);
      expect(Object.keys(treeOf(folder))).toEqual(['a.txt', 'dir/b.txt', 'other/c.txt']);
    }
    expect(repo.users()).toEqual(before);
  });

  test('a `.git` that leads to another repository is not followed', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const first = must(await pool.acquire(repo.request(1)));
    const {folder} = first;
    const trap = join(folder, 'trap', 'worktrees', 'godel-1');
    const mark = join(repo.temp, 'mark');
    const program = `sh -c 'touch ${mark}; cat'`;
    write(folder, {
      '.gitattributes': '* filter=trap\n',
      'trap/objects/info/alternates': `${repo.gitFolder}/objects\n`,
      'trap/refs/none': '',
      'trap/HEAD': `${repo.head}\n`,
      'trap/config': `[core]\nrepositoryformatversion = 0\n[filter "trap"]\nclean = "${program}"\nsmudge = "${program}"\n`,
      'trap/worktrees/godel-1/HEAD': `${repo.head}\n`,
      'trap/worktrees/godel-1/commondir': '../..\n',
      'trap/worktrees/godel-1/gitdir': `${folder}/.git\n`,
    });
    writeFileSync(join(folder, '.git'), `gitdir: ${trap}\n`);
    // Also for a host that comes after a crash.
    const [attempt] = (await repo.pool().salvage([1])).keys();
    expect(attempt).toBe(1);
    await first.release();
    expect(existsSync(mark)).toBe(false);
    const second = must(await pool.acquire(repo.request(2)));
    expect(treeOf(second.folder)).toEqual(treeOf(repo.root, FRESH));
  });

  test('an interrupted attempt is taken up where it stopped, with locks of killed gits removed', async () => {
    using repo = new GitFixture();
    const first = must(await repo.pool().acquire(repo.request(1)));
    write(first.folder, {'a.txt': 'half done\n'});
    writeFileSync(join(repo.gitFolder, 'worktrees', 'godel-1', 'index.lock'), '');
    repo.commit({'c.txt': 'others go on\n'});
    const resume = {folder: first.folder, attempt: 1};
    const second = must(await repo.pool().acquire(repo.request(2, {resume})));
    expect(second).toMatchObject({folder: first.folder, base: first.base, resumed: true});
    expect(read(second, 'a.txt')).toBe('half done\n');
    gitIn(second.folder, 'add', '-A');
    expect(must(await second.save(MESSAGE))).toMatchObject({base: first.base, ref: 'refs/godel/audit/fix/2', files: 1});
    const third = must(await repo.pool().acquire(repo.request(3, {resume})));
    expect(third.folder, 'it belongs to the second attempt now').not.toBe(first.folder);
  });

  test('when its worktree was given up, it goes on with the kept work, in the same folder', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const [first, other] = [must(await pool.acquire(repo.request(1))), must(await pool.acquire(repo.request(9)))];
    write(first.folder, {'a.txt': 'half done\n', 'new.txt': 'n\n', 'dir/b.txt': null});
    const work = must(await first.save(MESSAGE));
    await first.release();
    await other.release();
    repo.commit({'a.txt': 'others have changed it\n'});
    const resume = {folder: first.folder, attempt: 1};
    const second = must(await pool.acquire(repo.request(2, {resume})));
    expect(second).toMatchObject({folder: first.folder, base: work?.base, resumed: true, conflicts: []});
    expect(gitIn(second.folder, 'status', '--porcelain').split('\n')).toEqual([
      ' M a.txt',
      ' D dir/b.txt',
      '?? new.txt',
    ]);
    expect(must(await second.save(MESSAGE))).toMatchObject({files: 3, ref: 'refs/godel/audit/fix/2'});
  });

  test('with its `.git` gone it is not lost either', async () => {
    using repo = new GitFixture();
    const first = must(await repo.pool().acquire(repo.request(1)));
    write(first.folder, {'a.txt': 'half done\n'});
    rmSync(join(first.folder, '.git'));
    const second = must(await repo.pool().acquire(repo.request(2, {resume: {folder: first.folder, attempt: 1}})));
    expect(second.resumed).toBe(true);
    expect(read(second, 'a.txt')).toBe('half done\n');
    expect(gitIn(second.folder, 'status', '--porcelain')).toBe(' M a.txt');
  });

  test('what a killed host has left is kept, then free', async () => {
    using repo = new GitFixture();
    const before = repo.users();
    const script = `
      import {openPool} from ${JSON.stringify(join(import.meta.dirname, '../../src/workspace/pool.ts'))};
      import {writeFileSync} from 'node:fs';
      const pool = openPool({folder: ${JSON.stringify(repo.poolFolder)}, settings: {link: [], quotaBytes: null}});
      for (const request of ${JSON.stringify([1, 2, 3].map(attempt => repo.request(attempt)))}) {
        const got = await pool.acquire(request);
        if (request.attempt < 3) writeFileSync(got.value.folder + '/a.txt', 'by ' + request.attempt);
        if (request.attempt === 2) await got.value.save({subject: 'Saved', author: {name: 'n', email: 'e@x'}});
      }
      console.log('ready');
      setInterval(() => {}, 1000);
    `;
    const file = join(repo.temp, 'host.mts');
    writeFileSync(file, script);
    const tsx = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs');
    const host = spawn(process.execPath, ['--import', tsx, file], {stdio: ['ignore', 'pipe', 'inherit']});
    await new Promise(resolve => host.stdout.once('data', resolve));
    const gone = new Promise(resolve => host.once('exit', resolve));
    host.kill('SIGKILL');
    await gone;
    const pool = repo.pool();
    await pool.collect({count: 0});
    const saved = repo.git('rev-parse', 'refs/godel/audit/fix/2');
    const mine = must(await pool.acquire(repo.request(9)));
    expect(pool.orphans(), 'not those that somebody works in').toEqual([1, 2, 3]);
    await mine.release();
    const kept = await pool.salvage([1, 2, 3, 4]);
    expect(kept).toEqual(
      new Map([
        [1, repo.git('rev-parse', 'refs/godel/audit/fix/1')],
        [2, saved],
        [3, null],
      ]),
    );
    expect(repo.git('show', 'refs/godel/audit/fix/1:a.txt')).toBe('by 1');
    expect(await pool.salvage([1, 2, 3]), 'nothing is left to be kept').toEqual(new Map());
    await pool.collect({count: 0});
    expect(readdirSync(repo.poolFolder)).toEqual([]);
    expect(repo.users()).toEqual(before);
  }, 60_000);

  test('a worktree that was kept and given to others meanwhile is theirs', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const begun = [1, 2, 3, 4, 5, 6];
    for (const attempt of begun) {
      write(must(await repo.pool().acquire(repo.request(attempt))).folder, {'a.txt': `by ${attempt}\n`});
    }
    const all = pool.salvage(begun);
    const last = repo.pool().salvage([6]);
    await last;
    const next = must(await repo.pool().acquire(repo.request(16)));
    write(next.folder, {'a.txt': 'by 16\n'});
    await all;
    expect(read(next, 'a.txt')).toBe('by 16\n');
    expect(must(await next.save(MESSAGE))?.files).toBe(1);
    for (const attempt of [...begun, 16])
      expect(repo.git('show', `refs/godel/audit/fix/${attempt}:a.txt`)).toBe(`by ${attempt}`);
    await next.release();
    await pool.collect({count: 0});
    expect(readdirSync(repo.poolFolder)).toEqual([]);
  });

  test('of several that come for the worktree of a dead host one gets it', () => {
    using repo = new GitFixture();
    const claims = new Claims(repo.temp);
    const dead = {pid: 999_999_999, startTime: '1', bootId: 'x'};
    const holder = ownIdentity();
    const seen: Claim = {
      ...{state: 'working', holder: dead, attempt: 7, ref: 'r', base: 'b', root: '/', gitFolder: '/'},
      ...{conflicts: [], linked: [], kept: null},
    };
    claims.take('godel-1', seen);
    writeFileSync(join(repo.temp, 'godel-1.json.taking'), JSON.stringify(dead));
    const other = {...holder, pid: process.ppid, ...identityOf(process.ppid)};
    expect(claims.takeOver('godel-1', {seen, holder: other})).toBe(true);
    expect(claims.takeOver('godel-1', {seen, holder}), 'it is taken').toBe(false);
    expect(claims.takeOver('godel-1', {seen: {...seen, holder: other}, holder}), 'its holder lives').toBe(false);
    expect(claims.read('godel-1')?.holder).toEqual(other);
    claims.change('godel-1', {...seen, attempt: 8});
    expect(claims.takeOver('godel-1', {seen, holder}), 'it is of another attempt').toBe(false);
    expect(readdirSync(repo.temp).filter(name => name.includes('taking'))).toEqual([]);
  });

  test('what a process left that was killed while it took a claim is cleared away, and what is fresh is not', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    await must(await pool.acquire(repo.request(1))).release();
    const left = ['godel-2.json.taking', 'godel-2.json.taking-7', 'godel-3.json.taking'];
    const longAgo = Date.now() / 1000 - 7200;
    for (const name of left) writeFileSync(join(repo.poolFolder, name), '{}');
    for (const name of left.slice(0, 2)) utimesSync(join(repo.poolFolder, name), longAgo, longAgo);
    await pool.collect({count: 0});
    expect(readdirSync(repo.poolFolder)).toEqual(['godel-3.json.taking']);
  });

  test('what could not be kept of a killed host is tried again', async () => {
    using repo = new GitFixture();
    const host = must(await repo.pool().acquire(repo.request(1)));
    write(host.folder, {'a.txt': 'half done\n'});
    const pool = repo.pool();
    repo.git('update-ref', 'refs/godel/audit/fix/1/in-the-way', repo.head);
    expect(await pool.salvage([1])).toEqual(new Map());
    expect(pool.orphans()).toEqual([1]);
    repo.git('update-ref', '-d', 'refs/godel/audit/fix/1/in-the-way');
    expect([...(await pool.salvage(pool.orphans())).keys()]).toEqual([1]);
    expect(repo.git('show', 'refs/godel/audit/fix/1:a.txt')).toBe('half done');
    expect(pool.orphans()).toEqual([]);
  });

  test('a worktree whose maker was killed before anybody worked in it is cleared away', async () => {
    using repo = new GitFixture();
    const pool = repo.pool();
    const workspace = must(await pool.acquire(repo.request(1)));
    const claim = join(repo.poolFolder, 'godel-1.json');
    const dead = {pid: 999_999_999, startTime: '1', bootId: 'x'};
    writeFileSync(
      claim,
      JSON.stringify({...(JSON.parse(readFileSync(claim, 'utf8')) as object), state: 'making', holder: dead}),
    );
    writeFileSync(join(repo.poolFolder, 'godel-2.json'), '{"half');
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(join(repo.poolFolder, 'godel-2.json'), longAgo, longAgo);
    mkdirSync(join(repo.poolFolder, 'godel-7.gone-1-1', 'x'), {recursive: true});
    await pool.collect({count: 0});
    expect(readdirSync(repo.poolFolder)).toEqual([]);
    expect(existsSync(workspace.folder)).toBe(false);
  });

  test("worktrees whose folders are gone are forgotten, the user's own are not", async () => {
    using repo = new GitFixture();
    repo.git('worktree', 'add', '--quiet', '--detach', join(repo.temp, 'own'));
    const pool = repo.pool();
    must(await pool.acquire(repo.request(1)));
    must(await pool.acquire(repo.request(2)));
    rmSync(join(repo.temp, 'own'), {recursive: true});
    rmSync(join(repo.poolFolder, 'godel-2'), {recursive: true});
    rmSync(join(repo.poolFolder, 'godel-2.json'));
    await pool.collect({count: 5});
    expect(readdirSync(join(repo.gitFolder, 'worktrees')).toSorted()).toEqual(['godel-1', 'own']);
  });

  test('the record of a worktree whose git was killed at its first step is forgotten', async () => {
    using repo = new GitFixture();
    const record = (name: string, secondsAgo: number) => {
      const folder = join(repo.gitFolder, 'worktrees', name);
      mkdirSync(folder, {recursive: true});
      writeFileSync(join(folder, 'locked'), 'initializing');
      utimesSync(folder, Date.now() / 1000 - secondsAgo, Date.now() / 1000 - secondsAgo);
    };
    record('godel-7', 60);
    record('merge-1', 60);
    record('godel-8', 0);
    record('users', 60);
    const pool = repo.pool();
    await must(await pool.acquire(repo.request(1))).release();
    await pool.collect({count: 0});
    expect(readdirSync(join(repo.gitFolder, 'worktrees'))).toEqual(['godel-8', 'users']);
  });

  test('several processes share it without getting in the way of each other', async () => {
    using repo = new GitFixture();
    const [one, other] = [repo.pool(), repo.pool()];
    const got = await Promise.all(
      Array.from({length: 10}, (_, index) => (index % 2 === 0 ? one : other).acquire(repo.request(index + 1))),
    );
    expect(new Set(got.map(each => must(each).folder)).size).toBe(10);
    await Promise.all(got.map(each => must(each).release()));
    const again = await Promise.all(
      Array.from({length: 10}, (_, index) => (index % 2 === 0 ? other : one).acquire(repo.request(index + 11))),
    );
    expect(new Set(again.map(each => must(each).folder)).size).toBe(10);
    expect(readdirSync(repo.poolFolder).filter(name => !name.endsWith('.json'))).toHaveLength(10);
  });

  test('a base that is not there, and a folder that cannot be, are failures', async () => {
    using repo = new GitFixture();
    const nothing = await repo.pool().acquire(repo.request(1, {base: '1'.repeat(40)}));
    expect(nothing).toMatchObject({ok: false, failure: {reason: 'git-failed'}});
    expect(readdirSync(repo.poolFolder)).toEqual([]);
    rmSync(repo.poolFolder, {recursive: true});
    writeFileSync(repo.poolFolder, 'a file');
    const failed = await repo.pool().acquire(repo.request(2));
    expect(failed).toMatchObject({ok: false, failure: {reason: 'workspace-failed'}});
  });

  test('a quota holds for new worktrees; those given back are used again', async () => {
    using repo = new GitFixture({'big.bin': 'x'.repeat(2 ** 20)});
    const pool = repo.pool({quotaBytes: 2.5 * 2 ** 20});
    const workspaces = [must(await pool.acquire(repo.request(1))), must(await pool.acquire(repo.request(2)))];
    const third = await pool.acquire(repo.request(3));
    expect(third).toMatchObject({
      ok: false,
      failure: {reason: 'workspace-failed', hint: expect.stringContaining('quota')},
    });
    await workspaces[0]?.release();
    must(await pool.acquire(repo.request(4)));
  });
});

describe('a commit applied to a worktree', () => {
  async function conflict(theirs: Record<string, Entry | null>, ours: Record<string, Entry | null>) {
    const repo = new GitFixture({'a.txt': '1\n2\n3\n4\n5\n', 'b.txt': 'b\n', 'gone.txt': 'g\n'});
    const pool = repo.pool();
    const first = must(await pool.acquire(repo.request(1)));
    write(first.folder, theirs);
    const work = must(await first.save({...MESSAGE, subject: 'Change the third line'}));
    await first.release();
    repo.commit(ours);
    return {repo, pool, apply: work?.commit ?? ''};
  }

  test('shows both sides, and what they come from, where it does not fit', async () => {
    const made = await conflict(
      {'a.txt': '1\n2\ntheirs\n4\n5\n', 'b.txt': 'fits\n', 'gone.txt': 'changed\n'},
      {'a.txt': '1\n2\nours\n4\n5\n', 'gone.txt': null},
    );
    using repo = made.repo;
    const second = must(await made.pool.acquire(repo.request(2, {apply: made.apply})));
    expect(second.conflicts.toSorted()).toEqual(['a.txt', 'gone.txt']);
    expect(read(second, 'a.txt')).toMatch(
      /^1\n2\n<<<<<<< HEAD\nours\n\|{7} .*\n3\n=======\ntheirs\n>>>>>>> .*Change the third line.*\n4\n5\n$/,
    );
    expect(read(second, 'b.txt')).toBe('fits\n');
    expect(await second.markersLeft(second.conflicts)).toEqual(['a.txt']);
    expect(gitIn(second.folder, 'status', '--porcelain')).toContain('UU a.txt');
    const halfDone = must(await second.save(MESSAGE));
    expect(halfDone?.files).toBe(3);
    write(second.folder, {'a.txt': '1\n2\nours and theirs\n4\n5\n', 'gone.txt': null});
    expect(await second.markersLeft(second.conflicts)).toEqual([]);
    expect(must(await second.save(MESSAGE))?.files).toBe(2);
    await second.release();
    const third = must(await made.pool.acquire(repo.request(3)));
    expect(treeOf(third.folder)).toEqual(treeOf(repo.root, FRESH));
  });

  test('one that fits leaves no conflicts', async () => {
    const made = await conflict({'a.txt': 'first\n2\n3\n4\n5\n'}, {'a.txt': '1\n2\n3\n4\nlast\n'});
    using repo = made.repo;
    const second = must(await made.pool.acquire(repo.request(2, {apply: made.apply})));
    expect(second.conflicts).toEqual([]);
    expect(read(second, 'a.txt')).toBe('first\n2\n3\n4\nlast\n');
  });

  test('an interrupted attempt at it knows what is still to be done', async () => {
    const made = await conflict({'a.txt': '1\n2\ntheirs\n4\n5\n'}, {'a.txt': '1\n2\nours\n4\n5\n'});
    using repo = made.repo;
    const second = must(await made.pool.acquire(repo.request(2, {apply: made.apply})));
    const {folder} = second;
    must(await second.save(MESSAGE));
    await second.release();
    const third = must(await made.pool.acquire(repo.request(3, {apply: made.apply, resume: {folder, attempt: 2}})));
    expect(third).toMatchObject({resumed: true, conflicts: ['a.txt']});
    const fourth = must(await made.pool.acquire(repo.request(4, {apply: made.apply, resume: {folder, attempt: 3}})));
    expect(fourth).toMatchObject({resumed: true, conflicts: ['a.txt']});
  });
});

describe('folders linked from the checkout of the user', () => {
  test.each(['copy', 'symlink'] as const)('a %s is there, and never part of the work', async how => {
    using repo = new GitFixture({'a.txt': 'a\n', '.gitignore': 'node_modules/\n', 'vendor/x': 'tracked\n'});
    write(repo.root, {
      'node_modules/dep/index.js': 'dep\n',
      'node_modules/.bin/run': {link: '../dep/index.js'},
      'vendor/y': 'u\n',
    });
    const before = repo.users();
    const link = ['node_modules', 'vendor', 'not-there', '../outside', '.'].map(path => ({path, how}));
    const pool = repo.pool({link});
    const first = must(await pool.acquire(repo.request(1)));
    expect(read(first, 'node_modules/.bin/run')).toBe('dep\n');
    expect(lstatSync(join(first.folder, 'node_modules')).isSymbolicLink()).toBe(how === 'symlink');
    expect(existsSync(join(first.folder, 'vendor/y'))).toBe(false);
    expect(must(await first.save(MESSAGE))).toBeNull();
    write(first.folder, {'a.txt': 'changed\n'});
    gitIn(first.folder, 'add', '--force', '--all');
    gitIn(first.folder, 'commit', '-qm', 'With all that is there');
    expect(must(await first.changedFiles())).toEqual(['a.txt']);
    expect(Object.keys(treeOfCommit(repo, must(await first.save(MESSAGE))?.commit ?? ''))).not.toContain(
      'node_modules',
    );
    await first.release();
    const second = must(await pool.acquire(repo.request(2)));
    expect(read(second, 'node_modules/.bin/run')).toBe('dep\n');
    await second.release();
    await pool.collect({count: 0});
    expect(repo.users()).toEqual(before);
  });

  test('a copy stays until it or the original changes', async () => {
    using repo = new GitFixture({'a.txt': 'a\n', '.gitignore': 'node_modules\n'});
    write(repo.root, {'node_modules/.package-lock.json': '{}', 'node_modules/dep/index.js': 'dep\n'});
    const pool = repo.pool({link: [{path: 'node_modules', how: 'copy'}]});
    const inode = (workspace: Workspace) => statSync(join(workspace.folder, 'node_modules')).ino;
    const first = must(await pool.acquire(repo.request(1)));
    const made = inode(first);
    await first.release();
    const second = must(await pool.acquire(repo.request(2)));
    expect(inode(second)).toBe(made);
    write(second.folder, {'node_modules/another/index.js': 'by the agent\n'});
    await second.release();
    const third = must(await pool.acquire(repo.request(3)));
    expect(existsSync(join(third.folder, 'node_modules/another'))).toBe(false);
    await third.release();
    write(repo.root, {'node_modules/.package-lock.json': '{"newer": true}', 'node_modules/dep/index.js': 'newer\n'});
    const fourth = must(await pool.acquire(repo.request(4)));
    expect(read(fourth, 'node_modules/dep/index.js')).toBe('newer\n');
  });
});

describe('repositories of all kinds', () => {
  test('without commits', async () => {
    using repo = new GitFixture({});
    const {findRepository} = await import('../../src/workspace/repository.ts');
    const {base} = must(await findRepository(repo.root, {team: 'audit'}));
    const workspace = must(
      await repo.pool().acquire({
        root: repo.root,
        gitFolder: repo.gitFolder,
        base,
        apply: null,
        ref: 'refs/godel/audit/fix/1',
        attempt: 1,
        resume: null,
      }),
    );
    write(workspace.folder, {'first.txt': '1\n'});
    expect(must(await workspace.save(MESSAGE))).toMatchObject({base, files: 1});
    expect(repo.git('status', '--porcelain', '--branch')).toBe('## No commits yet on main');
    await workspace.release();
  });

  test('with submodules: they are left empty, and what an agent makes of them breaks nothing', async () => {
    using inner = new GitFixture();
    using repo = new GitFixture();
    const allow = ['-c', 'protocol.file.allow=always'];
    gitIn(repo.root, ...allow, 'submodule', '--quiet', 'add', inner.root, 'sub');
    repo.commit({});
    const pool = repo.pool();
    const first = must(await pool.acquire(repo.request(1)));
    expect(readdirSync(join(first.folder, 'sub'))).toEqual([]);
    expect(must(await first.save(MESSAGE))).toBeNull();
    gitIn(first.folder, ...allow, 'submodule', '--quiet', 'update', '--init');
    expect(must(await first.changedFiles())).toEqual([]);
    const commit = inner.commit({'a.txt': 'newer\n'});
    gitIn(join(first.folder, 'sub'), 'fetch', '--quiet');
    gitIn(join(first.folder, 'sub'), 'checkout', '--quiet', commit);
    write(first.folder, {'a.txt': 'changed too\n'});
    expect(must(await first.changedFiles())).toEqual(['a.txt', 'sub']);
    const work = must(await first.save(MESSAGE));
    expect(repo.git('ls-tree', work?.commit ?? '', 'sub')).toContain(commit);
    await first.release();
    const second = must(await pool.acquire(repo.request(2)));
    expect(readdirSync(join(second.folder, 'sub'))).toEqual([]);
  });

  test('with git-lfs: pointers stay pointers, whether it is installed or not', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
    using repo = new GitFixture({'big.psd': pointer, 'a.txt': 'a\n'});
    repo.commit({'.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n'});
    const home = join(repo.temp, 'home');
    mkdirSync(home);
    writeFileSync(
      join(home, '.gitconfig'),
      '[filter "lfs"]\n clean = git-lfs clean -- %f\n smudge = git-lfs smudge -- %f\n process = git-lfs filter-process\n required = true\n',
    );
    vi.stubEnv('HOME', home);
    try {
      const workspace = must(await repo.pool().acquire(repo.request(1)));
      expect(read(workspace, 'big.psd')).toBe(pointer);
      write(workspace.folder, {'a.txt': 'changed\n'});
      utimesSync(join(workspace.folder, 'big.psd'), new Date(), new Date());
      expect(must(await workspace.changedFiles())).toEqual(['a.txt']);
      expect(must(await workspace.save(MESSAGE))?.files).toBe(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('a sparse checkout stays sparse, and what is not checked out is not removed', async () => {
    using repo = new GitFixture({'in/a.txt': 'a\n', 'out/b.txt': 'b\n', 'top.txt': 't\n'});
    repo.git('sparse-checkout', 'set', 'in');
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    expect(Object.keys(treeOf(workspace.folder))).toEqual(['in/a.txt', 'top.txt']);
    expect(must(await workspace.save(MESSAGE))).toBeNull();
    write(workspace.folder, {'in/a.txt': 'changed\n', 'out/new.txt': 'outside\n', 'out/b.txt': 'changed too\n'});
    expect(must(await workspace.changedFiles())).toEqual(['in/a.txt', 'out/b.txt', 'out/new.txt']);
  });

  test('with a post-checkout hook and signed commits: neither is asked', async () => {
    using repo = new GitFixture();
    writeFileSync(join(repo.gitFolder, 'hooks', 'post-checkout'), '#!/bin/sh\nexit 1\n', {mode: 0o755});
    repo.git('config', 'commit.gpgSign', 'true');
    repo.git('config', 'gpg.program', 'false');
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    write(workspace.folder, {'a.txt': 'x\n'});
    expect(must(await workspace.save(MESSAGE))?.files).toBe(1);
  });

  test('with line endings converted by configuration: nothing differs by them alone', async () => {
    using repo = new GitFixture({'a.txt': 'a\n', 'crlf.txt': 'x\r\ny\r\n'});
    repo.git('config', 'core.autocrlf', 'true');
    const workspace = must(await repo.pool().acquire(repo.request(1)));
    expect(read(workspace, 'a.txt')).toBe('a\r\n');
    for (const file of ['a.txt', 'crlf.txt']) utimesSync(join(workspace.folder, file), new Date(), new Date());
    expect(must(await workspace.changedFiles())).toEqual([]);
  });
});

test('a release waits for the save before it', async () => {
  using repo = new GitFixture();
  const workspace = must(await repo.pool().acquire(repo.request(1)));
  write(workspace.folder, {'a.txt': 'x\n'});
  const saving = workspace.save(MESSAGE);
  const releasing = workspace.release();
  expect(must(await saving)?.files).toBe(1);
  await releasing;
  await until('the claim is gone', () => !existsSync(join(repo.poolFolder, 'godel-1.json')));
});
