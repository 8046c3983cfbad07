import {execFile, spawnSync} from 'node:child_process';
import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';
import {codeBlocks, pages} from './pages.ts';
import {expectSameShape} from './same-shape.ts';

const run = promisify(execFile);
const page = pages().find(({path}) => path === 'docs/api.md');
const blocks = page === undefined ? [] : codeBlocks(page);

const hasCurl = spawnSync('curl', ['--version']).status === 0;

test.skipIf(!hasCurl)('every command of docs/api.md answers what the page says, in the order of the page', async () => {
  await using rig = await Rig.create();
  const program = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');
  writeFileSync(join(rig.root, 'godel'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(join(rig.root, 'godel'), 0o755);
  const env = {...rig.env, PATH: `${rig.root}:${rig.env['PATH'] ?? ''}`};
  const sh = async (script: string) => (await run('/bin/sh', ['-e', '-c', script], {cwd: rig.folder, env})).stdout;
  const [prelude = '', ...commands] = blocks.filter(({language}) => language === 'sh').map(({code}) => code);
  expect(commands.length).toBeGreaterThan(6);

  for (const command of commands) {
    const answer = (await sh(`${prelude}\n${command}`)).split('\n').at(-1) ?? '';
    const documented = answerAfter(command);
    if (documented === null) expect(JSON.parse(answer)).toMatchObject({v: 1, team: {v: 1, team: 'shop'}});
    else expectSameShape(JSON.parse(answer), JSON.parse(documented), command);
    await until('the team is at work or gone, so that the next answer is the same every time', async () => {
      const shop = await rig.client().team('shop');
      return !shop.ok || shop.value.tasks.running === 2;
    });
  }
});

/** The block of JSON that follows a command directly. */
function answerAfter(command: string): string | null {
  const next = blocks[blocks.findIndex(({code}) => code === command) + 1];
  return next?.language === 'json' ? next.code : null;
}
