import fc from 'fast-check';
import picomatch from 'picomatch';
import {expect, test} from 'vitest';
import {predictConflicts} from '../../src/workspace/merge-forecast.ts';
import {globsOverlap} from '../../src/workspace/merge-glob-overlap.ts';

test.each([
  ['src/a.ts', 'src/a.ts', true],
  ['src/a.ts', 'src/b.ts', false],
  ['src/**', 'src/a/b.ts', true],
  ['src', 'src/a/b.ts', true],
  ['./src/', 'src/a.ts', true],
  ['src/**', 'test/**', false],
  ['**/*.ts', 'src/**/index.*', true],
  ['**/*.ts', '**/*.js', false],
  ['src/{a,b}/**', 'src/b/x', true],
  ['src/{a,b}/**', 'src/c/x', false],
  ['src/[ab].ts', 'src/b.ts', true],
  ['src/?.ts', 'src/ab.ts', false],
  ['a*b*c', 'abxc', true],
  ['src/@(a|b).ts', 'src/a.ts', true],
  ['**', 'anything/at/all', true],
  ['packages/*/src/**', 'packages/core/test/**', false],
  ['a/**/z', 'a/b/**', true],
  [String.raw`a\*`, 'ab', false],
])('%s and %s: %s', (a, b, overlap) => {
  expect([globsOverlap(a, b), globsOverlap(b, a)]).toEqual([overlap, overlap]);
});

test('no overlap is missed: what both globs match is said to overlap', () => {
  const part = fc.constantFrom('a', 'b', '*', '?', 'a*', '*b', '**', '{a,b}', '[ab]');
  const glob = fc.array(part, {minLength: 1, maxLength: 4}).map(parts => parts.join('/'));
  const path = fc.array(fc.constantFrom('a', 'b', 'ab'), {minLength: 1, maxLength: 4}).map(parts => parts.join('/'));
  fc.assert(
    fc.property(glob, glob, path, (a, b, file) => {
      fc.pre(picomatch(a, {dot: true})(file) && picomatch(b, {dot: true})(file));
      expect(globsOverlap(a, b)).toBe(true);
    }),
    {numRuns: 300, maxSkipsPerRun: 200},
  );
});

const task = (id: string, ...globs: string[]) => ({id, touches: {globs, policy: 'warn' as const}});
const always = () => true;

test('pairs that may change the same file at the same time are named with their globs', () => {
  const tasks = [
    task('api', 'src/api/**'),
    task('docs', 'docs/**'),
    task('all', 'src/**', '!src/api/**'),
    task('x', 'src/x'),
  ];
  expect(predictConflicts(tasks, {mayRunTogether: always})).toEqual({
    conflicts: [{tasks: ['all', 'x'], globs: ['src/**', 'src/x']}],
    omitted: 0,
  });
  expect(predictConflicts(tasks, {mayRunTogether: (a, b) => a !== 'all' && b !== 'x'})).toMatchObject({conflicts: []});
});

test('many pairs are counted, not listed', () => {
  const tasks = Array.from({length: 1000}, (_, index) => task(`t${index}`, `src/f${index % 500}.ts`));
  const {conflicts, omitted} = predictConflicts(tasks, {mayRunTogether: always, limit: 3});
  expect([conflicts.length, omitted]).toEqual([3, 497]);
});
