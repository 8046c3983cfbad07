import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {PassThrough} from 'node:stream';
import {expect, test} from 'vitest';
import type {Cli} from '../../src/cli/cli.ts';
import {diffTeam} from '../../src/cli/diff-team.ts';
import {Interrupts} from '../../src/cli/interrupts.ts';
import {mergeTeam, type MergeOptions} from '../../src/cli/merge-team.ts';
import {prTeam, type PrOptions} from '../../src/cli/pr-team.ts';
import {type JsonMode, Print} from '../../src/cli/print.ts';
import {failureOf} from '../../src/model/failure.ts';
import {failureText} from '../../src/model/failure-text.ts';
import {teamId} from '../../src/model/ids.ts';
import type {TeamState} from '../../src/model/team.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {type Content, MergeRig} from '../workspace/merge-rig.ts';

type Command = (cli: Cli, view: TeamView) => Promise<unknown>;

/** Runs a command on a team whose branch is that of the rig; a failure is what people would read of it. */
async function run(
  rig: MergeRig,
  command: Command,
  {
    json = 'none',
    cwd = rig.root,
    state = 'succeeded',
    path = process.env['PATH'] ?? '',
  }: Partial<{
    json: JsonMode;
    cwd: string;
    state: TeamState;
    path: string;
  }> = {},
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map(
    stream => stream as unknown as NodeJS.WriteStream,
  );
  if (!stdout || !stderr) throw new Error('no streams');
  const env = {PATH: path, HOME: rig.root, GIT_CONFIG_NOSYSTEM: '1'};
  const print = new Print({json, env, stdout, stderr});
  const stdin = new PassThrough() as unknown as NodeJS.ReadStream;
  const cli: Cli = {print, interrupts: new Interrupts(() => undefined), cwd, env, stdin, stdout, stderr};
  let failure = '';
  await command(cli, viewOf(rig, state)).catch((error: unknown) => (failure = failureText(failureOf(error))));
  const text = (stream: unknown) => ((stream as PassThrough).read() as Buffer | null)?.toString() ?? '';
  return {stdout: text(stdout), stderr: text(stderr), failure};
}

const merge =
  (options: MergeOptions = {}): Command =>
  (cli, view) =>
    mergeTeam(cli, view, options);
const diff =
  (options = {}): Command =>
  (cli, view) =>
    diffTeam(cli, view, options);
const pr =
  (options: PrOptions = {}): Command =>
  (cli, view) =>
    prTeam(cli, view, options);

/** A repository in which a team has changed `f` and added `dir/new` and a user has an identity. */
async function merged(files: readonly Readonly<Record<string, Content>>[] = [{f: 'team\n'}, {'dir/new': 'new\n'}]) {
  const rig = new MergeRig({f: 'base\n', g: 'g\n'});
  rig.git(['config', 'user.name', 'Uma']);
  rig.git(['config', 'user.email', 'uma@example.com']);
  const queue = rig.queue();
  for (const each of files) expect(await queue.merge(rig.item(each))).toMatchObject({kind: 'merged'});
  return rig;
}

function commitByUser(rig: MergeRig, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) rig.write(path, text);
  rig.git(['add', ...Object.keys(files)]);
  rig.git(['commit', '--quiet', '-m', 'by the user']);
}

const head = (rig: MergeRig) => rig.git(['rev-parse', 'HEAD']);
const status = (rig: MergeRig) => rig.git(['status', '--porcelain', '--', 'f', 'g', 'dir', 'staged']);

test('diff shows what the team has changed, whole, as a list or as JSON', async () => {
  await using rig = await merged();
  expect((await run(rig, diff())).stdout).toContain('-base\n+team\n');
  expect((await run(rig, diff({stat: true}))).stdout).toContain('2 files changed, 2 insertions(+), 1 deletion(-)');
  const {stdout} = await run(rig, diff(), {json: 'one'});
  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    team: 'audit',
    branch: 'godel/audit',
    base: rig.base,
    tip: rig.git(['rev-parse', 'godel/audit']),
    commits: ['task: change 1', 'task: change 2'],
    files: [
      {path: 'dir/new', insertions: 1, deletions: 0},
      {path: 'f', insertions: 1, deletions: 1},
    ],
  });
});

test('a team without a branch, or without anything on it, says so', async () => {
  await using rig = new MergeRig();
  expect((await run(rig, diff())).stderr).toContain('Nothing of team audit has been merged yet.');
  expect((await run(rig, merge())).failure).toContain('nothing of team audit has been merged onto its branch yet');
  expect((await run(rig, pr())).failure).toContain('nothing of team audit has been merged onto its branch yet');
  const inPlace: Command = (cli, view) => diffTeam(cli, {...view, repository: null}, {});
  expect((await run(rig, inPlace)).failure).toContain('team audit has no branch: its tasks run in place');
});

test('merge fast-forwards where it can, and says how to take it back', async () => {
  await using rig = await merged();
  const before = head(rig);
  const {stdout, failure} = await run(rig, merge());
  expect(failure).toBe('');
  expect(stdout).toContain(`Merged 2 changes of team audit into main (${rig.root}).`);
  expect(head(rig)).toBe(rig.git(['rev-parse', 'godel/audit']));
  expect(readFileSync(join(rig.root, 'dir/new'), 'utf8')).toBe('new\n');
  const undo = /`git (reset --keep \w+)`/.exec(stdout)?.[1]?.split(' ') ?? [];
  rig.git(undo);
  expect(head(rig)).toBe(before);
  await run(rig, merge());
  expect((await run(rig, merge())).stdout).toContain('main has all of godel/audit already.');
});

test('merge makes a commit by the user where the user has committed too, and leaves other changes alone', async () => {
  await using rig = await merged();
  commitByUser(rig, {h: 'h\n'});
  rig.write('g', 'edited\n');
  const {stdout, failure} = await run(rig, merge(), {json: 'one'});
  expect(failure).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    v: 1,
    team: 'audit',
    into: 'main',
    commits: 2,
    to: head(rig),
    way: 'default',
  });
  expect(rig.git(['log', '-1', '--format=%s by %an, %cn'])).toBe('Merge team audit: 2 changes by Uma, Uma');
  expect(status(rig)).toBe(' M g');
});

test('--squash makes one commit, --no-ff a merge commit, --ff-only neither', async () => {
  await using rig = await merged();
  const before = head(rig);
  expect((await run(rig, merge({squash: true}))).failure).toBe('');
  expect(rig.git(['log', '--format=%s', `${before}..HEAD`])).toBe('Merge team audit: 2 changes');
  expect(rig.git(['log', '-1', '--format=%b'])).toBe('- task: change 1\n- task: change 2');
  rig.git(['reset', '--quiet', '--hard', before]);
  expect((await run(rig, merge({ff: false}))).failure).toBe('');
  expect(rig.git(['rev-list', '--merges', '--count', `${before}..HEAD`])).toBe('1');
  rig.git(['reset', '--quiet', '--hard', before]);
  commitByUser(rig, {h: 'h\n'});
  expect((await run(rig, merge({ffOnly: true}))).failure).toContain('it cannot be fast-forwarded. Leave --ff-only out');
  expect((await run(rig, merge({ffOnly: true, squash: true}))).failure).toContain('--ff-only and --squash exclude');
});

test.each([
  ['a changed file', 'f', (rig: MergeRig) => rig.write('f', 'mine\n')],
  ['an untracked file', 'dir/new', (rig: MergeRig) => rig.write('dir/new', 'mine\n')],
  [
    'an ignored file',
    'dir/new',
    (rig: MergeRig) => {
      rig.write('.git/info/exclude', 'dir\n');
      rig.write('dir/new', 'mine\n');
    },
  ],
] as const)('merge refuses to write over %s', async (_what, path, prepare) => {
  await using rig = await merged();
  prepare(rig);
  const before = head(rig);
  const {failure} = await run(rig, merge());
  expect(failure).toContain(`the merge would write over ${path} in ${rig.root}`);
  expect(failure).toContain('git stash --include-untracked');
  expect(readFileSync(join(rig.root, path), 'utf8')).toBe('mine\n');
  expect(head(rig)).toBe(before);
});

test('merge does not commit what is in the index by the way', async () => {
  await using rig = await merged();
  rig.write('staged', 'staged\n');
  rig.git(['add', 'staged']);
  for (const options of [{squash: true}, {ff: false}]) {
    expect((await run(rig, merge(options))).failure).toContain('staged would be committed together with the merge');
  }
  expect((await run(rig, merge())).failure).toBe('');
  expect(status(rig)).toBe('A  staged');
});

test('a conflict is said with its files, and nothing is touched', async () => {
  await using rig = await merged();
  commitByUser(rig, {f: 'user\n'});
  rig.write('g', 'edited\n');
  const before = head(rig);
  const {failure} = await run(rig, merge());
  expect(failure).toContain('godel/audit and main change the same lines, in f; nothing was changed');
  expect([head(rig), status(rig), existsSync(join(rig.root, '.git/MERGE_HEAD'))]).toEqual([before, ' M g', false]);
});

test.each([
  ['merge', {}],
  ['squash', {squash: true}],
] as const)('a %s that a hook of the user refuses is taken back', async (_what, options) => {
  await using rig = await merged();
  commitByUser(rig, {h: 'h\n'});
  rig.write('g', 'edited\n');
  rig.write('.git/hooks/commit-msg', '#!/bin/sh\necho "no such ticket" >&2\nexit 1\n');
  chmodSync(join(rig.root, '.git/hooks/commit-msg'), 0o755);
  const before = head(rig);
  const {failure, stderr} = await run(rig, merge(options));
  expect(stderr).toContain('no such ticket');
  expect(failure).toContain('git did not merge godel/audit, for the reason it gave above; the checkout is as it was');
  expect([head(rig), status(rig), existsSync(join(rig.root, '.git/MERGE_HEAD'))]).toEqual([before, ' M g', false]);
});

test("a merge of the user's own that is under way is left alone", async () => {
  await using rig = await merged();
  writeFileSync(join(rig.root, '.git/MERGE_HEAD'), `${rig.base}\n`);
  expect((await run(rig, merge())).failure).toContain(`a merge is under way in ${rig.root}`);
  expect(existsSync(join(rig.root, '.git/MERGE_HEAD'))).toBe(true);
});

test('a team at work is merged only with --partial', async () => {
  await using rig = await merged();
  const {failure} = await run(rig, merge(), {state: 'running'});
  expect(failure).toContain('team audit is running, and more may be merged onto its branch. Wait for it with');
  expect((await run(rig, merge({partial: true}), {state: 'running'})).failure).toBe('');
});

test('a branch without a commit gets the work, if no file is in the way', async () => {
  await using rig = await merged();
  rig.git(['checkout', '--quiet', '--orphan', 'fresh']);
  rig.git(['rm', '-r', '--quiet', '--force', '.']);
  expect((await run(rig, merge({squash: true}))).failure).toContain('fresh has no commit yet');
  rig.write('f', 'mine\n');
  expect((await run(rig, merge())).failure).toContain('would write over f');
  rig.git(['clean', '--quiet', '-fd']);
  expect((await run(rig, merge())).failure).toBe('');
  expect(readFileSync(join(rig.root, 'f'), 'utf8')).toBe('team\n');
});

test('the checkout around the current folder is meant, if it is one of the repository', async () => {
  await using rig = await merged();
  const other = join(rig.root, 'other');
  rig.git(['worktree', 'add', '--quiet', '-b', 'side', other, rig.base]);
  mkdirSync(join(other, 'sub'));
  expect((await run(rig, merge(), {cwd: join(other, 'sub')})).stdout).toContain(`into side (${other}).`);
  expect(head(rig)).toBe(rig.base);
  expect((await run(rig, merge(), {cwd: '/'})).stdout).toContain(`into main (${rig.root}).`);
});

test('the branch of the team itself is not merged into', async () => {
  await using rig = await merged();
  rig.git(['switch', '--quiet', 'godel/audit']);
  expect((await run(rig, merge())).stdout).toContain('godel/audit has all of godel/audit already.');
});

test('pr prints commands that work', async () => {
  await using rig = await merged();
  expect((await run(rig, pr())).failure).toContain('no remote to push to. Add one with `git remote add origin URL`');
  rig.git(['init', '--quiet', '--bare', join(rig.root, 'server')]);
  rig.git(['remote', 'add', 'origin', join(rig.root, 'server')]);
  const gh = fakeGh(rig);
  const {stdout} = await run(rig, pr(), {path: gh.path});
  const [push = '', create = ''] = stdout.split('\n');
  expect(push).toBe('git push --set-upstream origin godel/audit');
  expect(create).toBe(
    "gh pr create --head godel/audit --base main --title 'audit: 2 changes' --body '- task: change 1",
  );
  const {stdout: json} = await run(rig, pr(), {path: gh.path, json: 'one'});
  expect(JSON.parse(json)).toMatchObject({v: 1, remote: 'origin', into: 'main', created: false});
  expect((await run(rig, pr({remote: 'nowhere'}))).failure).toContain('--remote nowhere: there is no such remote');
});

test('pr --create pushes and runs gh, and is refused without gh', async () => {
  await using rig = await merged();
  rig.git(['init', '--quiet', '--bare', join(rig.root, 'server')]);
  rig.git(['remote', 'add', 'origin', join(rig.root, 'server')]);
  expect((await run(rig, pr({create: true}), {path: '/nowhere'})).failure).toContain('gh, the command line of GitHub');
  const gh = fakeGh(rig);
  const {failure, stdout} = await run(rig, pr({create: true}), {path: gh.path});
  expect([failure, stdout]).toEqual(['', 'Pushed godel/audit to origin and created the pull request.\n']);
  expect(rig.git(['--git-dir', join(rig.root, 'server'), 'rev-parse', 'godel/audit'])).toBe(
    rig.git(['rev-parse', 'godel/audit']),
  );
  expect(gh.calls()).toContain('pr create --head godel/audit --base main --title audit: 2 changes --body - task');
});

/** A program of that name that writes down what it is called with. */
function fakeGh(rig: MergeRig): {path: string; calls: () => string} {
  rig.write('bin/gh', `#!/bin/sh\necho "$*" >> '${rig.root}/calls'\n`);
  chmodSync(join(rig.root, 'bin/gh'), 0o755);
  const path = `${join(rig.root, 'bin')}:${process.env['PATH'] ?? ''}`;
  return {path, calls: () => readFileSync(join(rig.root, 'calls'), 'utf8')};
}

function viewOf(rig: MergeRig, state: TeamState): TeamView {
  const none = {
    total: 0,
    waiting: 0,
    ready: 0,
    running: 0,
    verifying: 0,
    reviewing: 0,
    merging: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
  };
  return {
    v: 1,
    team: 'audit',
    teamId: teamId(1),
    state,
    traceId: '0'.repeat(32),
    agents: {requested: 1, ready: 1, busy: 0, starting: 0, failed: 0},
    tasks: none,
    attempts: 2,
    retries: 0,
    startedAtMs: 0,
    durationMs: 1,
    meanBusyAgents: null,
    usage: UNKNOWN_USAGE,
    waiting: [],
    running: [],
    failures: [],
    repository: rig.options.repository,
    budget: null,
    warnings: [],
    endedBecause: null,
    outcome: 'ok',
  };
}
