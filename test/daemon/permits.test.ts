import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {Admission} from '../../src/daemon/admission/admission.ts';
import {openLedger} from '../../src/daemon/admission/ledger.ts';
import {Permits} from '../../src/daemon/permits.ts';
import {commands} from './admission/demands.ts';

function open(file: string, projectId: string): Admission {
  const ledger = openLedger({
    file,
    projectId,
    process: {pid: 1, startTime: projectId, bootId: 'b'},
    isAlive: () => true,
    limits: {maxRunning: 10, minFreeMemoryBytes: 0, minFreeDiskBytes: 0, memoryPerAttemptBytes: 1},
    probe: () => ({availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null}),
    readClock: () => ({monoMs: 1000, wallMs: 0}),
    random: () => 0.5,
    staleAfterMs: 60_000,
  });
  if (!ledger.ok) throw new Error(ledger.failure.reason);
  return ledger.value;
}

test('a daemon that finds two attempts running gives back the rest of what its killed predecessor held', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-permits-'));
  const file = join(folder, 'ledger.db');
  const killed = open(file, 'ours');
  expect(killed.request(commands(10, 0))).toMatchObject({permits: 10});
  killed[Symbol.dispose]();

  const permits = Permits.start({
    admission: open(file, 'ours'),
    running: () => ({attempts: 2, memoryBytes: 0, providers: new Map()}),
    granted: () => undefined,
  });
  const other = open(file, 'other');
  expect(other.request(commands(10, 0))).toMatchObject({permits: 8});
  other[Symbol.dispose]();
  permits.close({keepLease: false});
  rmSync(folder, {recursive: true});
});
