import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {markersLeft, outsideTouches} from '../../src/workspace/evidence.ts';

function outside(globs: readonly string[], ...files: readonly string[]): readonly string[] {
  return outsideTouches(files, {globs, policy: 'fail'});
}

describe('outsideTouches', () => {
  test.each([
    [['src/**'], ['src/a.ts', 'src/deep/.hidden/b.ts'], ['srcs/a.ts', 'a.ts']],
    [['src/'], ['src/a.ts', 'src/b/c.ts'], ['src2/a.ts']],
    [['docs'], ['docs', 'docs/a.md'], ['docs.md']],
    [['./README.md', '/package.json'], ['README.md', 'package.json'], ['docs/README.md']],
    [['*.md'], ['a.md', '.hidden.md'], ['docs/a.md']],
    [['**/*.md'], ['a.md', 'docs/deep/a.md'], ['a.mdx']],
    [['src/{a,b}/*.ts'], ['src/a/x.ts', 'src/b/.y.ts'], ['src/c/x.ts', 'src/a/b/x.ts']],
    [['src/**', '!src/gen/**'], ['src/a.ts'], ['src/gen/a.ts']],
    [['!**/*.snap', 'test/**'], ['test/a.ts'], ['test/a.snap', 'src/a.ts']],
    [['!secrets'], ['src/a.ts'], ['secrets/key', 'secrets']],
    [['!(vendor)/**'], ['src/a.ts'], ['vendor/a.ts']],
    [['src/[[]id[]].ts'], ['src/[id].ts'], ['src/i.ts']],
    [['src/\\[id\\].ts'], ['src/[id].ts'], ['src/i.ts']],
  ])('%j takes in %j and not %j', (globs, inside, out) => {
    expect(outside(globs, ...inside, ...out)).toEqual(out);
  });

  test('no globs: everything is outside', () => {
    expect(outside([], 'a')).toEqual(['a']);
  });
});

describe('markersLeft', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-markers-'));
  afterAll(() => rmSync(folder, {recursive: true}));

  test.each([
    ['both sides', '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> abc (x)\n', true],
    ['three sides', 'x\n<<<<<<< HEAD\na\n||||||| parent\no\n=======\nb\n>>>>>>> abc\n', true],
    ['line ends of Windows', '<<<<<<< HEAD\r\na\r\n=======\r\nb\r\n>>>>>>> abc\r\n', true],
    ['longer marks', '<<<<<<<<<< HEAD\na\n==========\nb\n>>>>>>>>>> abc\n', true],
    ['a heading', 'Title\n=======\n\ntext\n', false],
    ['marks in the wrong order', '>>>>>>> a\n=======\n<<<<<<< b\n', false],
    ['marks inside of lines', 'say "<<<<<<< HEAD"\n =======\n  >>>>>>> x\n', false],
    ['nothing', '', false],
  ])('%s', async (_name, text, expected) => {
    writeFileSync(join(folder, 'file'), text);
    expect(await markersLeft(folder, ['file'])).toEqual(expected ? ['file'] : []);
  });

  test('a file that is gone, or has become a folder, has none', async () => {
    mkdirSync(join(folder, 'sub'));
    expect(await markersLeft(folder, ['gone', 'sub', 'sub/none'])).toEqual([]);
  });
});
