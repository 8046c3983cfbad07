import {expect, test} from 'vitest';
import type {MergeItem} from '../../src/workspace/merge.ts';
import {type Content, MergeRig} from './merge-rig.ts';

type Files = Readonly<Record<string, Content>>;

const LINES = Array.from({length: 20}, (_, index) => `line ${index}`);
const text = (changes: Readonly<Record<number, string>> = {}) =>
  `${LINES.map((line, index) => changes[index] ?? line).join('\n')}\n`;
const binary = (byte: number) => Buffer.from([0, 1, 2, byte, 0, 255, 10, 13]);
const SCRIPT = {mode: '100755', data: text()};
const link = (data: string) => ({mode: '120000', data});
const submodule = (digit: string) => ({mode: '160000', data: digit.repeat(40)});

/** A change that another one was merged before, both from the same base. */
const CASES: readonly (readonly [string, {base: Files; first: Files; then: Files; files: readonly string[] | null}])[] =
  [
    ['edits far apart', {base: {f: text()}, first: {f: text({1: 'a'})}, then: {f: text({15: 'b'})}, files: null}],
    [
      'the same edit twice',
      {base: {f: text()}, first: {f: text({1: 'a'})}, then: {f: text({1: 'a', 9: 'b'})}, files: null},
    ],
    [
      'edits of neighbouring lines',
      {base: {f: text()}, first: {f: text({4: 'a'})}, then: {f: text({5: 'b'})}, files: ['f']},
    ],
    ['two binary files', {base: {f: binary(1)}, first: {g: binary(2)}, then: {f: binary(3)}, files: null}],
    [
      'one binary file changed twice',
      {base: {f: binary(1)}, first: {f: binary(2)}, then: {f: binary(3)}, files: ['f']},
    ],
    ['an edit of a deleted file', {base: {f: text()}, first: {f: null}, then: {f: text({1: 'a'})}, files: ['f']}],
    ['the deletion of an edited file', {base: {f: text()}, first: {f: text({1: 'a'})}, then: {f: null}, files: ['f']}],
    [
      'an edit of a renamed file',
      {base: {f: text()}, first: {f: null, g: text()}, then: {f: text({1: 'a'})}, files: null},
    ],
    [
      'the renaming of an edited file',
      {base: {f: text()}, first: {f: text({1: 'a'})}, then: {f: null, g: text({9: 'b'})}, files: null},
    ],
    [
      'two renamings of one file',
      {base: {f: text()}, first: {f: null, g: text()}, then: {f: null, h: text()}, files: ['f', 'g', 'h']},
    ],
    [
      'a new file in a renamed folder',
      {
        base: {'d/a': text(), 'd/b': text({1: 'b'})},
        first: {'d/a': null, 'd/b': null, 'e/a': text(), 'e/b': text({1: 'b'})},
        then: {'d/c': 'new\n'},
        files: ['e/c'],
      },
    ],
    ['a mode and an edit', {base: {f: text()}, first: {f: SCRIPT}, then: {f: text({1: 'a'})}, files: null}],
    ['an edit and a mode', {base: {f: text()}, first: {f: text({1: 'a'})}, then: {f: SCRIPT}, files: null}],
    ['two new files of one name', {base: {}, first: {f: 'a\n'}, then: {f: 'b\n'}, files: ['f']}],
    ['a file and a folder of one name', {base: {}, first: {f: 'a\n'}, then: {'f/g': 'b\n'}, files: ['f']}],
    ['a link turned twice', {base: {f: link('a')}, first: {f: link('b')}, then: {f: link('c')}, files: ['f']}],
    ['two submodules', {base: {s: submodule('1')}, first: {x: 'x\n'}, then: {s: submodule('2')}, files: null}],
    [
      'one submodule moved twice',
      {base: {s: submodule('1')}, first: {s: submodule('2')}, then: {s: submodule('3')}, files: ['s']},
    ],
    [
      'files without a line break at the end',
      {base: {f: 'a\nb\nc\nd'}, first: {f: 'A\nb\nc\nd'}, then: {f: 'a\nb\nc\nD'}, files: null},
    ],
    [
      'bytes that are no UTF-8',
      {
        base: {f: Buffer.from('\xff\nb\nc\nd\n', 'latin1')},
        first: {f: Buffer.from('\xfe\nb\nc\nd\n', 'latin1')},
        then: {f: Buffer.from('\xff\nb\nc\n\xfd\n', 'latin1')},
        files: null,
      },
    ],
    [
      'lines that are there many times',
      {
        base: {f: `{\n}\n\n${text()}{\n}\n`},
        first: {f: `{\n}\n{\n}\n\n${text()}{\n}\n`},
        then: {f: `{\n}\n\n${text()}{\n}\n{\n}\n`},
        files: null,
      },
    ],
  ];

test.each(CASES)('%s', async (_name, {base, first, then, files}) => {
  await using rig = new MergeRig({keep: 'x\n', ...base});
  const queue = rig.queue();
  const items: readonly MergeItem[] = [rig.item(first), rig.item(then)];
  const results = [];
  for (const item of items) results.push(await queue.merge(item));
  const tip = await queue.tip();
  expect(results[0]).toMatchObject({kind: 'merged'});
  if (files === null) expect(results[1]).toEqual({kind: 'merged', tip});
  else expect(results[1]).toMatchObject({kind: 'conflict', tip, files: expect.arrayContaining([...files]) as string[]});
});

test('modes and edits meet in one file', async () => {
  await using rig = new MergeRig({f: text()});
  const queue = rig.queue();
  await queue.merge(rig.item({f: text({1: 'a'})}));
  await queue.merge(rig.item({f: SCRIPT}));
  expect(rig.git(['ls-tree', rig.branch, 'f'])).toMatch(/^100755 /);
  expect(rig.read('f')).toBe(text({1: 'a'}).trimEnd());
});

test('a merge driver that keeps one side loses nothing: git calls it clean, we call it a conflict', async () => {
  await using rig = new MergeRig({f: text(), g: text()});
  rig.git(['config', 'merge.mine.driver', 'true']);
  rig.write('.git/info/attributes', 'f merge=mine\n');
  const queue = rig.queue();
  await queue.merge(rig.item({f: text({1: 'a'}), g: text({1: 'a'})}));
  const lost = rig.item({f: text({15: 'b'}), g: text({15: 'b'})});
  expect(await queue.merge(lost)).toMatchObject({kind: 'conflict', files: ['f']});
  expect(await queue.merge(rig.item({g: text({15: 'b'})}))).toMatchObject({kind: 'merged'});
});

test('a merge driver that keeps the lines of both sides is believed', async () => {
  await using rig = new MergeRig({log: 'start\n'});
  rig.write('.git/info/attributes', 'log merge=union\n');
  const queue = rig.queue();
  await queue.merge(rig.item({log: 'start\none\n'}));
  expect(await queue.merge(rig.item({log: 'start\ntwo\n'}))).toMatchObject({kind: 'merged'});
  expect(rig.read('log')).toBe('start\none\ntwo');
});
