import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {codeBlocks, pages} from '../../docs/pages.ts';
import {startHub} from '../server/hub-rig.ts';

const run = promisify(execFile);
const LIBRARY = new URL('../../../src/hub-client.ts', import.meta.url).href;
const TSX = import.meta.resolve('tsx');
const examples = pages()
  .filter(({path}) => path === 'docs/hub-client.md')
  .flatMap(codeBlocks)
  .filter(({language}) => language === 'js')
  .map(({path, line, code}) => [`${path}:${line}`, code] as const);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-hub-client-docs-'));
});

afterAll(() => rmSync(folder, {recursive: true, force: true}));

/** What an example says that it prints: comments after a `console.log`. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)].map(match => match[1]!);
}

test('there are examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('the example at %s prints what it says', async (place, code) => {
  await using rig = await startHub();
  const env = {
    ...process.env,
    HUB_ENDPOINT: rig.url,
    TOKEN_OF_ANN: rig.desk.issue('ann', {tenantId: 'shop'}),
    TOKEN_OF_BOB: rig.desk.issue('bob', {tenantId: 'shop'}),
  };
  const file = join(folder, `${place.replaceAll(/\W/g, '-')}.mjs`);
  writeFileSync(file, code.replaceAll("from 'godel/hub/client'", `from '${LIBRARY}'`));
  const {stdout} = await run(process.execPath, ['--import', TSX, file], {env, timeout: 30_000});
  expect(promised(code).length).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
});
