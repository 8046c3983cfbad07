import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {codeBlocks, pages} from '../docs/pages.ts';
import {Rig} from '../rig/rig.ts';

const blocks = pages()
  .filter(({path}) => path === 'docs/learning.md')
  .flatMap(codeBlocks);

/** The block of the page in which this stands. */
function shown(text: string): string {
  const found = blocks.find(({code}) => code.includes(text));
  if (!found) throw new Error(`docs/learning.md shows nothing with ${text}`);
  return found.code;
}

const UNSORTED = '2G\n3K\n10K\n1M\n';
const SORTED = '3K\n10K\n1M\n2G\n';

/** Attempts of `godel team spawn` with the plan of the page. */
async function attemptsOf(rig: Rig): Promise<number> {
  const plan = rig.writePlan(shown('choose.sh sizes.txt'));
  const spawned = await rig.godel(['team', 'spawn', '--count', '1', '--plan', plan, '--json']);
  expect(spawned, spawned.stderr).toMatchObject({code: 0});
  return (JSON.parse(spawned.stdout) as {attempts: number}).attempts;
}

async function project(): Promise<Rig> {
  const rig = await Rig.create({env: {GODEL_MEMORY_WAIT: '10s'}});
  writeFileSync(join(rig.folder, 'choose.sh'), shown('# choose.sh'));
  writeFileSync(join(rig.folder, 'sizes.txt'), UNSORTED);
  writeFileSync(join(rig.folder, 'sizes.right'), SORTED);
  return rig;
}

test('the plan of the learning page takes four attempts the first time, and one when others have learned before', async () => {
  await using rig = await project();
  expect(await attemptsOf(rig)).toBe(4);
  expect(await attemptsOf(rig)).toBe(1);
});

test('without what others have learned it does not get beyond its first idea', async () => {
  await using rig = await project();
  const plan = rig.writePlan(shown('choose.sh sizes.txt').replace('retries: 5', 'retries: 1'));
  writeFileSync(join(rig.folder, 'godel.config.yaml'), 'memory-count: 0\n');
  const spawned = await rig.godel(['team', 'spawn', '--count', '1', '--plan', plan, '--json']);
  expect(JSON.parse(spawned.stdout)).toMatchObject({attempts: 2, state: 'failed'});
});
