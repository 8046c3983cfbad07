import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {codeBlocks, pages} from '../docs/pages.ts';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const examples = pages()
  .filter(({path}) => path === 'docs/library.md')
  .flatMap(codeBlocks)
  .filter(({language}) => language === 'js')
  .map(({path, line, code}) => [`${path}:${line}`, code] as const);

let folder: string;

/** Somebody else's package that depends on this one as it is built. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-library-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(REPOSITORY, join(folder, 'node_modules/godel'));
});

afterAll(() => rmSync(folder, {recursive: true, force: true}));

/** What an example says that it prints: comments after a `console.log`, and those that are a line of their own. */
function promised(code: string): string[] {
  return [...code.matchAll(/^.*?\/\/ (.+)$/gm)].map(match => match[1] ?? '');
}

test('every part of the library has an example', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('the example at %s prints what it says', async (place, code) => {
  const file = join(folder, `${place.replaceAll(/\W/g, '-')}.mjs`);
  writeFileSync(file, code);
  const {stdout} = await run(process.execPath, [file]);
  expect(promised(code).length).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
});
