import fc from 'fast-check';
import {expect, test} from 'vitest';
import {inputNames, instanceOutputFile, outputFile, outputFolder} from '../../src/daemon/output-paths.ts';
import {taskSeq} from '../../src/model/ids.ts';

test('plain ids are file names as they are', () => {
  expect(outputFile('build_2-a', 'json')).toBe('outputs/build_2-a.json');
  expect(outputFile('list', 'lines')).toBe('outputs/list.txt');
});

test('an instance is readable by its key and unique by its number', () => {
  const instance = {of: 'check', id: 'check[node_modules/ws]', seq: taskSeq(7)};
  expect(instanceOutputFile(instance, 'text')).toBe('outputs/check/node_modules_ws-7.txt');
});

test('a key cannot lead out of the folder', () => {
  const instance = {of: 'check', id: 'check[../../../etc/passwd]', seq: taskSeq(1)};
  expect(instanceOutputFile(instance, 'text')).toBe('outputs/check/_._.._.._etc_passwd-1.txt');
});

test('no output is a hidden file, which a shell pattern would pass over', () => {
  expect(instanceOutputFile({of: 'lint', id: 'lint[.eslintrc]', seq: taskSeq(2)}, 'text')).toBe(
    'outputs/lint/_eslintrc-2.txt',
  );
  expect(outputFile('.env', 'text')).toMatch(/^outputs\/_env\.[0-9a-f]{8}\.txt$/);
  expect(inputNames(['.env', 'list'])).toEqual(['_env', 'list']);
});

test('no two tasks share a file, nor does the folder of one lie on the file of another', () => {
  const id = fc.string({minLength: 1, unit: fc.constantFrom('a', '.', ' ', '_', '/', 'é', 'json', 'txt')});
  fc.assert(
    fc.property(id, id, (a, b) => {
      fc.pre(a !== b);
      const places = (of: string) => [outputFolder(of), outputFile(of, 'json'), outputFile(of, 'text')];
      for (const place of places(a)) expect(places(b)).not.toContain(place);
    }),
  );
});

test('inputs carry the id of the need, and are kept apart where two would look alike', () => {
  expect(inputNames(['build.v2', 'list'])).toEqual(['build.v2', 'list']);
  const names = inputNames(['a b', 'a_b']);
  expect(new Set(names).size).toBe(2);
});

test('a join over a hundred thousand tasks has its names in no time', () => {
  const ids = Array.from({length: 100_000}, (_, index) => `task-${index}`);
  const start = performance.now();
  expect(inputNames(ids)).toEqual(ids);
  expect(performance.now() - start).toBeLessThan(10_000);
});
