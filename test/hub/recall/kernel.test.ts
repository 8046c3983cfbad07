import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {kernelModule} from '../../../scripts/kernel-module.ts';

const FOLDER = join(import.meta.dirname, '../../../src/hub/recall');

test('the bytes of the kernel are those of its text', async () => {
  const made = await kernelModule(readFileSync(join(FOLDER, 'kernel.wat'), 'utf8'));
  expect(readFileSync(join(FOLDER, 'kernel-bytes.ts'), 'utf8')).toBe(made);
});
