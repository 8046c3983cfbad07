import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {expect, it} from 'vitest';

const CHILD = new URL('contending-child.ts', import.meta.url).pathname;
const LIMIT = 12;

it('holds the limit while six processes open a new ledger at once and fight over it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-ledger-'));
  try {
    const file = join(folder, 'ledger.db');
    const children = Array.from({length: 6}, (_, index) => startChild(file, `p${index}`));
    for (const {lines} of children) expect((await lines.next()).value).toBe('ready');
    for (const {child} of children) child.stdin.write('go\n');
    for (const {child, lines} of children) {
      const most = Number((await lines.next()).value);
      expect(most).toBeGreaterThan(LIMIT / 2);
      expect(most).toBeLessThanOrEqual(LIMIT);
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(0);
    }
  } finally {
    rmSync(folder, {recursive: true});
  }
});

function startChild(file: string, project: string) {
  const args = ['--import', 'tsx', CHILD, file, project, String(LIMIT)];
  const child = spawn(process.execPath, args, {stdio: ['pipe', 'pipe', 'inherit']});
  return {child, lines: createInterface({input: child.stdout})[Symbol.asyncIterator]()};
}
