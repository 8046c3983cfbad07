import {expect, test} from 'vitest';
import {lostFiles} from '../../src/workspace/merge-loss.ts';
import {type Content, MergeRig} from './merge-rig.ts';

type Files = Readonly<Record<string, Content>>;

/** What a merge could make of two changes of `f`, each in its own line, and of files that only one side touched. */
const BASE: Files = {f: 'a\nb\nc\nd\n', g: 'g\n', x: 'x\n', gone: 'gone\n', z: 'z\n'};
const WORK: Files = {f: 'A\nb\nc\nd\n', g: 'G\n', x: {mode: '100755', data: 'x\n'}, gone: null, new: 'new\n'};
const TIP: Files = {f: 'a\nb\nc\nD\n', x: 'X\n'};
const GOOD: Files = {f: 'A\nb\nc\nD\n', g: 'G\n', x: {mode: '100755', data: 'X\n'}, gone: null, new: 'new\n'};

test.each<readonly [string, Files, readonly string[]]>([
  ['keeps everything', {}, []],
  ['drops a line of the change', {f: 'a\nb\nc\nD\n'}, ['f']],
  ['drops a line of the branch', {f: 'A\nb\nc\nd\n'}, ['f']],
  ['drops a line that nobody has touched', {f: 'A\nb\nD\n'}, ['f']],
  ['adds a line that nobody has written', {f: 'A\nb\nc\nD\nE\n'}, ['f']],
  ['drops a file that the change has edited', {g: null}, ['g']],
  ['leaves a file as it was that the change has edited', {g: 'g\n'}, ['g']],
  ['leaves out a new file', {new: null}, ['new']],
  ['keeps a file that the change has removed', {gone: 'gone\n'}, ['gone']],
  ['does not make a file executable', {x: 'X\n'}, ['x']],
  ['removes a file that nobody has touched', {z: null}, ['z']],
  ['moves a line to another file', {f: 'b\nc\nD\n', g: 'G\nA\n'}, ['f', 'g']],
])('a merge that %s', async (_what, wrong, lost) => {
  await using rig = new MergeRig(BASE);
  const treeOf = (commit: string) => rig.git(['rev-parse', `${commit}^{tree}`]);
  const merged = rig.commit(rig.base, {...GOOD, ...wrong});
  const trees = {
    base: treeOf(rig.base),
    work: treeOf(rig.commit(rig.base, WORK)),
    tip: treeOf(rig.commit(rig.base, TIP)),
    merged: treeOf(merged),
  };
  const found = await lostFiles(rig.root, trees);
  if (!found.ok) throw new Error('git failed');
  if (lost.length === 0) expect(found.value).toEqual([]);
  else expect(found.value).toEqual(expect.arrayContaining([...lost]));
});
