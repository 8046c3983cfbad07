import {mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {makeFolder} from '../../../src/hub/security/private-file.ts';

test('a folder is made with its parents, once; and refused where the system makes none', () => {
  const root = mkdtempSync(join(tmpdir(), 'godel-folders-'));
  const folder = join(root, 'a', 'b', 'c');
  makeFolder(folder);
  makeFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  rmSync(root, {recursive: true});
});

test.skipIf(process.platform !== 'linux')(
  'where the system makes no folder, that is said and not tried for ever',
  () => {
    for (const none of ['/proc/godel-none', '/proc/godel/none']) expect(() => makeFolder(none)).toThrow(/ENOENT/);
  },
);
