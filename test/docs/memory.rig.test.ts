import {execFile} from 'node:child_process';
import {chmodSync, existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {codeBlocks, pages} from './pages.ts';

const run = promisify(execFile);
const page = pages().find(({path}) => path === 'docs/memory.md');
/** What can be run where there is nothing else: teams and other hubs are those of other pages. */
const blocks = (page === undefined ? [] : codeBlocks(page)).filter(
  ({language, code}) => language === 'sh' && code.includes('godel memory') && !code.includes('--hub '),
);

test('the commands of docs/memory.md work in their order', async () => {
  await using rig = await Rig.create();
  const program = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');
  writeFileSync(join(rig.root, 'godel'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(join(rig.root, 'godel'), 0o755);
  const env = {...rig.env, PATH: `${rig.root}:${rig.env['PATH'] ?? ''}`};
  expect(blocks.length).toBe(2);
  const printed: string[] = [];
  for (const {code} of blocks) {
    printed.push((await run('/bin/sh', ['-e', '-c', code], {cwd: rig.folder, env})).stdout);
  }
  const [first = '', second = ''] = printed;
  expect(first).toContain('build the parser\n   more jobs run out of memory');
  expect(first).toContain('episodes  2: 2 active');
  expect(second).toBe('2 memories in lessons.jsonl.\nNothing is new; 2 were here already.\n1\n');
  expect(existsSync(join(rig.folder, 'lessons.jsonl'))).toBe(true);
});
