import {spawn} from 'node:child_process';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Merges} from '../../src/daemon/merges.ts';
import type {Input, MergeRequest} from '../../src/federation/engine-io.ts';
import {agentId, attemptId, taskSeq, teamId} from '../../src/model/ids.ts';
import {projectPaths} from '../../src/project/project-paths.ts';
import {taskSpec, teamSpec} from '../model/fabricated-specs.ts';
import {until} from '../rig/until.ts';
import {MergeRig} from '../workspace/merge-rig.ts';

const silent = () => undefined;
const log = {debug: silent, info: silent, warn: silent, error: silent};

test('what a team has made for its merges is gone when the daemon has closed, though the team was over only just then', async () => {
  await using rig = new MergeRig();
  const paths = projectPaths(rig.root, {HOME: rig.root, XDG_RUNTIME_DIR: rig.root});
  const inputs: Input[] = [];
  const merges = new Merges({
    paths,
    storeId: 'store',
    submit: input => inputs.push(input),
    envOf: () => ({PATH: process.env['PATH'] ?? ''}),
    killGraceMs: 1000,
    workspace: {link: [], quotaBytes: null},
    log,
  });
  const team = teamId(1);
  const spec = teamSpec({
    count: 1,
    cwd: rig.root,
    plan: {name: null, env: {}, tasks: [], verify: 'true'},
    repository: rig.options.repository,
  });
  merges.merge(requestOf(rig), spec);
  await until('it is merged', () => inputs.some(({type}) => type === 'merge-ended'));
  const worktree = join(paths.godelFolder, 'worktrees', 'merge-1');
  expect(existsSync(worktree)).toBe(true);
  merges.over(team);
  await merges.close();
  expect(existsSync(worktree)).toBe(false);
  expect(rig.git(['worktree', 'list', '--porcelain']).match(/^worktree /gm)).toHaveLength(1);
});

test('what a killed daemon has left of a team that is over is removed, and nothing of others', async () => {
  await using rig = new MergeRig();
  const paths = projectPaths(rig.root, {HOME: rig.root, XDG_RUNTIME_DIR: rig.root});
  const worktrees = join(paths.godelFolder, 'worktrees');
  for (const name of ['merge-1', 'merge-2']) rig.git(['worktree', 'add', '--quiet', '--detach', join(worktrees, name)]);
  for (const mark of ['store-1/7', 'store-1/8', 'store-2/9', 'store-12/1', 'other-1/7'])
    rig.git(['update-ref', `refs/godel-merged/${mark}`, rig.base]);
  const left = spawn('sleep', ['60'], {env: {PATH: process.env['PATH'], GODEL_COOKIE: 'store.merge-1'}});
  const ended = new Promise(resolve => left.once('exit', resolve));
  const merges = new Merges({
    paths,
    storeId: 'store',
    submit: () => undefined,
    envOf: () => ({}),
    killGraceMs: 1000,
    workspace: {link: [], quotaBytes: null},
    log,
  });
  await merges.removeLeftovers([teamId(2)]);
  await ended;
  expect(readdirSync(worktrees)).toEqual(['merge-2']);
  expect(rig.git(['worktree', 'list', '--porcelain']).match(/^worktree /gm)).toHaveLength(2);
  expect(rig.git(['for-each-ref', '--format=%(refname)', 'refs/godel-merged'])).toBe(
    'refs/godel-merged/other-1/7\nrefs/godel-merged/store-2/9',
  );
  // The team ends without anything to merge since.
  merges.over(teamId(2));
  await merges.close();
  expect(readdirSync(worktrees)).toEqual([]);
  expect(rig.git(['worktree', 'list', '--porcelain']).match(/^worktree /gm)).toHaveLength(1);
  expect(rig.git(['for-each-ref', '--format=%(refname)', 'refs/godel-merged'])).toBe('refs/godel-merged/other-1/7');
});

function requestOf(rig: MergeRig): MergeRequest {
  const {work, attempt} = rig.item({'a.txt': 'a\n'});
  return {
    teamId: teamId(1),
    task: taskSeq(0),
    taskId: 'task',
    attempt: attemptId(attempt),
    work,
    spec: taskSpec('task', {run: 'true'}),
    item: undefined,
    credits: {agent: agentId('audit-01'), runtime: 'command', model: null, usd: null, reviewer: null},
  };
}
