import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {expect, it} from 'vitest';
import {readClock} from '../../../src/base/clock.ts';
import {openLedger} from '../../../src/daemon/admission/ledger.ts';

const CHILD = new URL('contending-child.ts', import.meta.url).pathname;
const LIMIT = 12;
const OF_PROVIDER = 8;

it.each([
  ['a new ledger', () => undefined, Number.POSITIVE_INFINITY],
  ['a ledger with a gate', throttle, OF_PROVIDER],
])('%s holds its limits while six processes open it at once and fight over it', async (_, prepare, ofProvider) => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-ledger-'));
  try {
    const file = join(folder, 'ledger.db');
    prepare(file);
    const children = Array.from({length: 6}, (_, index) => startChild(file, `p${index}`));
    for (const {lines} of children) expect((await lines.next()).value).toBe('ready');
    for (const {child} of children) child.stdin.write('go\n');
    for (const {child, lines} of children) {
      const [most = 0, mostOfProvider = 0] = String((await lines.next()).value)
        .split(' ')
        .map(Number);
      expect(most).toBeGreaterThan(LIMIT / 2);
      expect(most).toBeLessThanOrEqual(LIMIT);
      expect(mostOfProvider).toBeGreaterThan(OF_PROVIDER / 2);
      expect(mostOfProvider).toBeLessThanOrEqual(ofProvider);
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(0);
    }
  } finally {
    rmSync(folder, {recursive: true});
  }
});

/** A provider has refused twice of what it will allow, a while ago. */
function throttle(file: string): void {
  const {monoMs, wallMs} = readClock();
  const opened = openLedger({
    file,
    projectId: 'earlier',
    process: {pid: process.pid, startTime: '1', bootId: 'b'},
    isAlive: () => true,
    limits: {maxRunning: LIMIT, minFreeMemoryBytes: 0, minFreeDiskBytes: 0, memoryPerAttemptBytes: 1},
    probe: () => ({availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null}),
    readClock: () => ({monoMs: monoMs - 10_000, wallMs}),
    random: () => 0,
    staleAfterMs: 1000,
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  opened.value.signal({provider: 'anthropic', kind: 'throttled', retryAfterMs: 0}, 2 * OF_PROVIDER);
  opened.value.release();
  opened.value[Symbol.dispose]();
}

function startChild(file: string, project: string) {
  const args = ['--import', 'tsx', CHILD, file, project, String(LIMIT)];
  const child = spawn(process.execPath, args, {stdio: ['pipe', 'pipe', 'inherit']});
  return {child, lines: createInterface({input: child.stdout})[Symbol.asyncIterator]()};
}
