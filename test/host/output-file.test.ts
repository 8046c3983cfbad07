import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {OutputFile} from '../../src/host/output-file.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'godel-output-'))));
afterEach(() => rmSync(folder, {recursive: true, force: true}));

function contender(number: number, claim = 'claims/4.1') {
  const race = {claim: join(folder, claim), number};
  const output = new OutputFile({file: join(folder, 'outputs/check/x-4.txt'), kind: 'text', capBytes: 1000, race});
  expect(output.write(Buffer.from(`by ${number}`))).toEqual({ok: true, value: undefined});
  return output;
}

const kept = () => readFileSync(join(folder, 'outputs/check/x-4.txt'), 'utf8');

test('of those in one race the first puts out its result, and the others nothing, however close they are', async () => {
  const all = [1, 2, 3, 4].map(number => contender(number));
  expect(existsSync(join(folder, 'outputs'))).toBe(false);
  const results = await Promise.all(all.map(output => output.commit()));
  for (const output of all) output.discard();
  const won = results.findIndex(({ok}) => ok);
  expect(results.filter(({ok}) => ok)).toHaveLength(1);
  expect(results.filter(({ok}) => !ok)).toEqual(
    Array.from({length: 3}, () => ({ok: false, failure: {reason: 'stopped', by: 'lost-race'}})),
  );
  expect(kept()).toBe(`by ${won + 1}`);
  expect(readdirSync(join(folder, 'claims'))).toEqual(['4.1']);
  expect(readdirSync(join(folder, 'outputs/check'))).toEqual(['x-4.txt']);
});

test('the next race has a result of its own, and one without output has an empty one', async () => {
  await contender(1).commit();
  expect(await contender(3, 'claims/4.3').commit()).toEqual({ok: true, value: 4});
  expect(kept()).toBe('by 3');
  const silent = new OutputFile({
    file: join(folder, 'outputs/quiet.txt'),
    kind: 'lines',
    capBytes: 10,
    race: {claim: join(folder, 'claims/5.1'), number: 1},
  });
  expect(await silent.commit()).toEqual({ok: true, value: 0});
  expect(readFileSync(join(folder, 'outputs/quiet.txt'), 'utf8')).toBe('');
});
