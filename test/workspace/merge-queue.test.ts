import {chmodSync, existsSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {Verdict} from '../../src/workspace/merge.ts';
import {git} from '../../src/workspace/git.ts';
import {forgetMerges} from '../../src/workspace/merge-branch.ts';
import {MergeRig} from './merge-rig.ts';

const TEN = Array.from({length: 10}, (_, index) => `line ${index}`);
const lines = (changes: Readonly<Record<number, string>> = {}) =>
  `${TEN.map((line, index) => changes[index] ?? line).join('\n')}\n`;

test('changes become one commit each on the branch, by their author, and nothing of the checkout is touched', async () => {
  await using rig = new MergeRig({'f.txt': lines(), 'README.md': 'hello\n'});
  rig.write('f.txt', 'edited by the user\n');
  rig.write('new.txt', 'untracked\n');
  rig.git(['add', 'new.txt']);
  const before = stateOf(rig);
  const queue = rig.queue();
  expect(await queue.tip()).toBe(rig.base);
  const results = await Promise.all([
    queue.merge(rig.item({'f.txt': lines({0: 'first'})}, {task: 'one'})),
    queue.merge(rig.item({'f.txt': lines({9: 'last'})}, {task: 'two'})),
    queue.merge(rig.item({'other.txt': 'x\n'}, {task: 'three'})),
  ]);
  const tip = await queue.tip();
  expect(results).toEqual([1, 2, 3].map(() => ({kind: 'merged', tip})));
  expect(rig.log()).toEqual(['one: change 1', 'two: change 2', 'three: change 3']);
  expect(rig.read('f.txt')).toBe(lines({0: 'first', 9: 'last'}).trimEnd());
  expect(rig.git(['log', '-1', '--format=%an <%ae>, %cn', rig.branch])).toBe(
    'audit-01 <audit-01@godel.invalid>, godel',
  );
  expect(stateOf(rig)).toEqual(before);
});

test('a change that was merged before is answered as merged, also by another queue, and makes no second commit', async () => {
  await using rig = new MergeRig();
  const item = rig.item({'a.txt': 'a\n'});
  const queue = rig.queue();
  const first = await queue.merge(item);
  expect(await queue.merge(item)).toEqual(first);
  const other = rig.item({'b.txt': 'b\n'});
  const again = rig.queue();
  expect(await again.merge(item)).toEqual(first);
  expect(await Promise.all([again.merge(other), again.merge(other)])).toMatchObject([
    {kind: 'merged'},
    {kind: 'merged'},
  ]);
  expect(rig.log()).toEqual(['task: change 1', 'task: change 2']);
});

test('a change that the branch has already is merged without a commit', async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  const queue = rig.queue();
  const first = await queue.merge(rig.item({'f.txt': lines({3: 'same'}), 'g.txt': 'g\n'}));
  expect(await queue.merge(rig.item({'f.txt': lines({3: 'same'})}))).toEqual(first);
  expect(rig.log()).toHaveLength(1);
});

test('a conflict names its files, leaves the branch alone and stops nobody else', async () => {
  await using rig = new MergeRig({'a.txt': lines(), 'b.txt': lines(), 'c.txt': lines()});
  const queue = rig.queue();
  const results = await Promise.all([
    queue.merge(rig.item({'a.txt': lines({5: 'mine'}), 'b.txt': lines({5: 'mine'})})),
    queue.merge(rig.item({'a.txt': lines({5: 'yours'}), 'b.txt': lines({5: 'yours'}), 'c.txt': lines({1: 'x'})})),
    queue.merge(rig.item({'c.txt': lines({8: 'z'})})),
  ]);
  const tip = await queue.tip();
  expect(results).toEqual([
    {kind: 'merged', tip},
    {kind: 'conflict', tip, files: ['a.txt', 'b.txt']},
    {kind: 'merged', tip},
  ]);
  expect(rig.read('a.txt')).toBe(lines({5: 'mine'}).trimEnd());
});

test('what a person commits on the branch meanwhile is built upon', async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  const queue = rig.queue();
  await queue.merge(rig.item({'f.txt': lines({0: 'ours'})}));
  const person = rig.commit(await queue.tip(), {'person.txt': 'by hand\n'}, 'by hand');
  rig.git(['branch', '--force', rig.branch, person]);
  expect(await queue.merge(rig.item({'f.txt': lines({9: 'more'})}))).toMatchObject({kind: 'merged'});
  expect(rig.log()).toEqual(['task: change 1', 'by hand', 'task: change 2']);
  expect(rig.read('person.txt')).toBe('by hand');
});

test('a commit that arrives while the batch is verified is not overwritten: the batch is made and verified anew', async () => {
  await using rig = new MergeRig();
  const seen: string[][] = [];
  const queue = rig.queue({
    verify: folder => {
      seen.push(readdirSync(folder).filter(name => name.endsWith('.txt')));
      if (seen.length === 1) {
        rig.git(['branch', '--force', rig.branch, rig.commit(rig.base, {'person.txt': 'x\n'}, 'by hand')]);
      }
      return passes();
    },
  });
  expect(await queue.merge(rig.item({'a.txt': 'a\n'}))).toMatchObject({kind: 'merged'});
  expect(seen).toEqual([['a.txt'], ['a.txt', 'person.txt']]);
  expect(rig.log()).toEqual(['by hand', 'task: change 1']);
});

test('a branch that somebody has rewritten, without what the work started from, takes the change alone', async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  const queue = rig.queue();
  await queue.merge(rig.item({'f.txt': lines({0: 'regretted'})}));
  const item = rig.item({'f.txt': lines({0: 'regretted', 9: 'new'})}, {base: await queue.tip()});
  rig.git(['branch', '--force', rig.branch, rig.commit(rig.base, {'g.txt': 'g\n'}, 'rewritten')]);
  expect(await queue.merge(item)).toMatchObject({kind: 'merged'});
  expect(rig.log()).toEqual(['rewritten', 'task: change 2']);
  expect(rig.read('f.txt')).toBe(lines({9: 'new'}).trimEnd());
});

test('a branch that was deleted comes back with everything that was merged', async () => {
  await using rig = new MergeRig();
  await rig.queue().merge(rig.item({'a.txt': 'a\n'}));
  rig.git(['branch', '-D', rig.branch]);
  await rig.queue().merge(rig.item({'b.txt': 'b\n'}));
  expect(rig.log()).toEqual(['task: change 1', 'task: change 2']);
});

test('marks of a team are forgotten on request; those of other teams mean nothing to it', async () => {
  await using rig = new MergeRig();
  const item = rig.item({'a.txt': 'a\n'});
  await rig.queue().merge(item);
  rig.git(['branch', '-D', rig.branch]);
  await rig.queue({key: 'store.2'}).merge(item);
  expect(rig.log()).toEqual(['task: change 1']);
  for (const key of ['store.1', 'store.2']) expect((await forgetMerges(rig.options.repository, key)).ok).toBe(true);
  expect(rig.git(['for-each-ref', 'refs/godel-merged'])).toBe('');
});

test('a branch that is checked out is not moved, and merging goes on when it is not any more', async () => {
  await using rig = new MergeRig();
  const queue = rig.queue();
  const tip = await queue.merge(rig.item({'a.txt': 'a\n'})).then(() => queue.tip());
  rig.git(['switch', '--quiet', rig.branch]);
  const item = rig.item({'b.txt': 'b\n'});
  const refused = await queue.merge(item);
  expect(refused).toMatchObject({kind: 'failed'});
  expect(JSON.stringify(refused)).toContain(`godel/audit is checked out in ${rig.root}`);
  expect(await queue.tip()).toBe(tip);
  rig.git(['switch', '--quiet', '--detach']);
  expect(await queue.merge(item)).toMatchObject({kind: 'merged'});
});

test('git in trouble is a failure that can be tried again', async () => {
  await using rig = new MergeRig();
  const queue = rig.queue();
  rig.write('.git/refs/heads/godel/audit.lock', '');
  const item = rig.item({'a.txt': 'a\n'});
  expect(await queue.merge(item)).toMatchObject({kind: 'failed', detail: expect.stringContaining('lock') as string});
  rmSync(join(rig.root, '.git/refs/heads/godel/audit.lock'));
  expect(await queue.merge(item)).toMatchObject({kind: 'merged'});
});

test("the user's own configuration and hooks change nothing", async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  for (const [key, value] of [
    ['commit.gpgSign', 'true'],
    ['user.signingKey', 'none'],
    ['merge.ff', 'only'],
    ['merge.renames', 'false'],
    ['i18n.commitEncoding', 'latin1'],
    ['i18n.logOutputEncoding', 'UTF-8'],
    ['core.hooksPath', 'hooks'],
  ]) {
    rig.git(['config', key ?? '', value ?? '']);
  }
  const item = {...rig.item({'f.txt': lines({1: 'ü'})}), message: 'change ü\n'};
  rig.write('hooks/reference-transaction', '#!/bin/sh\nexit 1\n');
  chmodSync(join(rig.root, 'hooks/reference-transaction'), 0o755);
  expect(await rig.queue().merge(item)).toMatchObject({kind: 'merged'});
  expect(rig.log()).toEqual(['change ü']);
});

test('one run verifies a whole batch, in a worktree that is used again and is gone with the queue', async () => {
  await using rig = new MergeRig();
  const seen: string[] = [];
  const {folder} = rig.options;
  const queue = rig.queue({
    verify: where => {
      seen.push(
        readdirSync(where)
          .filter(name => name.endsWith('.txt'))
          .join(' '),
      );
      return passes();
    },
  });
  await Promise.all(['a', 'b', 'c'].map(name => queue.merge(rig.item({[`${name}.txt`]: 'x\n'}))));
  await queue.merge(rig.item({'a.txt': null, 'd.txt': 'x\n'}, {base: await queue.tip()}));
  expect(seen).toEqual(['a.txt b.txt c.txt', 'b.txt c.txt d.txt']);
  expect(existsSync(join(folder, '.git'))).toBe(true);
  await queue[Symbol.asyncDispose]();
  expect(existsSync(folder)).toBe(false);
  expect(rig.git(['worktree', 'list', '--porcelain']).match(/^worktree /gm)).toHaveLength(1);
});

test('a half-made worktree is made anew, and what is above it is never taken for it', async () => {
  await using rig = new MergeRig();
  rig.write('.godel/worktrees/merge/left.txt', 'left by a killed daemon');
  rig.write('mine.txt', 'of the user');
  const queue = rig.queue({verify: async folder => ({...(await passes()), ok: !existsSync(join(folder, 'left.txt'))})});
  expect(await queue.merge(rig.item({'a.txt': 'a\n'}))).toMatchObject({kind: 'merged'});
  expect(readFileSync(join(rig.root, 'mine.txt'), 'utf8')).toBe('of the user');
});

test('the culprits of a batch are found by bisection and everything else is merged', async () => {
  await using rig = new MergeRig();
  let runs = 0;
  const queue = rig.queue({
    verify: folder => {
      runs++;
      const bad = readdirSync(folder).filter(name => name.startsWith('bad'));
      return Promise.resolve({ok: bad.length === 0, exitCode: bad.length, tail: bad.join(' ')});
    },
  });
  const names = Array.from({length: 32}, (_, index) => (index === 7 || index === 20 ? `bad${index}` : `good${index}`));
  const results = await Promise.all(names.map(name => queue.merge(rig.item({[`${name}.txt`]: 'x\n'}, {task: name}))));
  const kinds = results.map(({kind}, index) => `${names[index]}: ${kind}`);
  expect(kinds).toEqual(names.map(name => `${name}: ${name.startsWith('bad') ? 'broke-verify' : 'merged'}`));
  expect(results[7]).toMatchObject({exitCode: 1, tail: 'bad7.txt'});
  expect(rig.log()).toHaveLength(30);
  // Two culprits: top, ground (once), log2(32); top and log2(24) rounded up; and the rest.
  expect(runs).toBeLessThanOrEqual(2 + 5 + 1 + 5 + 1);
});

test('a change that only conflicts with one that is rejected is merged after all', async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  const queue = rig.queue({verify: async folder => ({...(await passes()), ok: !existsSync(join(folder, 'bad.txt'))})});
  const results = await Promise.all([
    queue.merge(rig.item({'f.txt': lines({4: 'bad'}), 'bad.txt': ''})),
    queue.merge(rig.item({'f.txt': lines({4: 'good'})})),
  ]);
  expect(results.map(({kind}) => kind)).toEqual(['broke-verify', 'merged']);
  expect(rig.read('f.txt')).toBe(lines({4: 'good'}).trimEnd());
});

test('nobody is blamed for a branch that was broken before: it is said once, and changes are merged', async () => {
  await using rig = new MergeRig({'broken.txt': ''});
  const said: unknown[] = [];
  const queue = rig.queue({
    verify: folder => {
      const isBroken = existsSync(join(folder, 'broken.txt'));
      return Promise.resolve({ok: !isBroken, exitCode: isBroken ? 3 : 0, tail: 'it is broken'});
    },
    onBrokenTip: broken => said.push(broken),
  });
  const first = ['a', 'b'].map(name => queue.merge(rig.item({[`${name}.txt`]: 'x\n'})));
  expect((await Promise.all(first)).map(({kind}) => kind)).toEqual(['merged', 'merged']);
  expect(await queue.merge(rig.item({'c.txt': 'c\n'}))).toMatchObject({kind: 'merged'});
  expect(said).toEqual([{tip: rig.base, exitCode: 3, tail: 'it is broken'}]);
  expect(await queue.merge(rig.item({'broken.txt': null}))).toMatchObject({kind: 'merged'});
  expect(await queue.merge(rig.item({'broken.txt': 'again\n'}, {base: await queue.tip()}))).toMatchObject({
    kind: 'broke-verify',
  });
});

test('closing ends a verify at work and answers what waits; nothing was merged', async () => {
  await using rig = new MergeRig();
  let begun: () => void = () => undefined;
  const isBegun = new Promise<void>(resolve => {
    begun = resolve;
  });
  const queue = rig.queue({
    verify: (_folder, signal) =>
      new Promise(resolve => {
        signal.addEventListener('abort', () => resolve({ok: false, exitCode: null, tail: ''}));
        begun();
      }),
  });
  const first = queue.merge(rig.item({'a.txt': 'a\n'}));
  await isBegun;
  const second = queue.merge(rig.item({'b.txt': 'b\n'}));
  await queue[Symbol.asyncDispose]();
  expect([await first, await second].map(({kind}) => kind)).toEqual(['failed', 'failed']);
  expect(await queue.tip()).toBe(rig.base);
});

test('many changes, one at a time, take a few runs of git each, however many there were before', async () => {
  await using rig = new MergeRig({'f.txt': lines()});
  const items = Array.from({length: 20}, (_, index) => rig.item({[`f${index}.txt`]: 'x\n'}));
  const queue = rig.queue();
  const count = countGit(rig);
  for (const item of items) expect(await queue.merge(item)).toMatchObject({kind: 'merged'});
  expect(count()).toBeLessThanOrEqual(6 * items.length + 6);
  expect(rig.log()).toHaveLength(items.length);
});

test.each([
  ['from the tip', 4],
  ['from an older commit', 6],
  ['from an older commit, to a file that others have changed', 8],
] as const)('a change %s takes %i runs of git', async (kind, runs) => {
  await using rig = new MergeRig({'f.txt': lines(), 'g.txt': 'g\n'});
  const queue = rig.queue();
  await queue.merge(rig.item({'f.txt': lines({0: 'first'})}));
  // What is asked only once of a base: whether it is in the branch.
  await queue.merge(rig.item({'x.txt': 'x\n'}));
  const base = kind === 'from the tip' ? await queue.tip() : rig.base;
  const name = kind.endsWith('changed') ? 'f.txt' : 'g.txt';
  const item = rig.item({[name]: name === 'f.txt' ? lines({9: 'last'}) : 'changed\n'}, {base});
  const count = countGit(rig);
  expect(await queue.merge(item)).toMatchObject({kind: 'merged'});
  expect(count()).toBe(runs);
});

/** Counts the runs of git from now on until it is asked, by a program of that name that comes first on PATH. */
function countGit(rig: MergeRig): () => number {
  const before = process.env['PATH'] ?? '';
  rig.write('bin/git', `#!/bin/sh\necho run >> '${rig.root}/runs'\nPATH='${before}' exec git "$@"\n`);
  chmodSync(join(rig.root, 'bin/git'), 0o755);
  process.env['PATH'] = `${rig.root}/bin:${before}`;
  return () => {
    process.env['PATH'] = before;
    return readFileSync(join(rig.root, 'runs'), 'utf8').trimEnd().split('\n').length;
  };
}

function passes(): Promise<Verdict> {
  return Promise.resolve({ok: true, exitCode: 0, tail: ''});
}

/** All that is the user's: HEAD, branches but the team's, the index and the files. */
function stateOf(rig: MergeRig) {
  return {
    head: rig.git(['symbolic-ref', 'HEAD']),
    branches: rig.git(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads/main', 'refs/stash']),
    index: readFileSync(join(rig.root, '.git', 'index')).toString('base64'),
    status: rig.git(['status', '--porcelain']),
  };
}
