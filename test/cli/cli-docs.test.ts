import {readFileSync} from 'node:fs';
import path from 'node:path';
import {expect, test} from 'vitest';
import {cliDocs} from '../../scripts/cli-docs.ts';

test('docs/cli.md says what the program says (else: npx tsx scripts/write-cli-docs.ts)', () => {
  const written = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');
  expect(written).toBe(cliDocs());
});
