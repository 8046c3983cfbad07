import {readFileSync} from 'node:fs';
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';

const PLAN = `
version: 1
name: edits
defaults: {retries: 0}
verify: test ! -e broken
tasks:
  one: {run: "sed -i 1s/.*/one/ lines", workspace: worktree}
  two: {run: "sed -i 9s/.*/two/ lines", workspace: worktree}
  bad: {run: "touch broken", workspace: worktree}
  end: {needs: [one, two], run: "grep -q one lines && grep -q two lines && touch end", workspace: worktree}
`;

test('changes of tasks land on the branch of the team, are shown, and are merged on request', async () => {
  await using rig = await Rig.create({git: true});
  const git = (...args: string[]) => execFileSync('git', args, {cwd: rig.folder, env: rig.env, encoding: 'utf8'});
  git('config', 'user.name', 'Uma');
  git('config', 'user.email', 'uma@example.com');
  execFileSync('sh', ['-c', 'seq 1 9 > lines && git add lines && git commit -qm base'], {
    cwd: rig.folder,
    env: rig.env,
  });
  rig.writePlan(PLAN);
  const spawned = await rig.godel(['team', 'spawn', '--count', '3', '--plan', 'godel.yaml', '--json']);
  expect(spawned.stdout, spawned.stderr).toContain('"succeeded":3,"failed":1');
  expect(readFileSync(join(rig.folder, 'lines'), 'utf8')).toMatch(/^1\n2\n/);
  const diff = await rig.godel(['team', 'diff', 'edits', '--json']);
  const {commits, files} = JSON.parse(diff.stdout) as {commits: string[]; files: {path: string}[]};
  expect(commits.toSorted()).toEqual(['end', 'one', 'two']);
  expect(files.map(({path}) => path)).toEqual(['end', 'lines']);
  const merged = await rig.godel(['team', 'merge', 'edits']);
  expect(merged.stdout, merged.stderr).toContain('Merged 3 changes of team edits into');
  expect(readFileSync(join(rig.folder, 'lines'), 'utf8')).toBe('one\n2\n3\n4\n5\n6\n7\n8\ntwo\n');
  expect(git('log', '-1', '--format=%(trailers:key=Godel-Team,valueonly)').trim()).toBe('edits');
});
