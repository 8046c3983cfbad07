import {once} from 'node:events';
import Database from 'better-sqlite3';
import {seededRandom} from '../../../src/base/random.ts';
import {readClock} from '../../../src/base/clock.ts';
import {openLedger} from '../../../src/daemon/admission/ledger.ts';
import {prompts} from './demands.ts';

/**
 * Waits for the start signal on stdin, opens the ledger, asks many times, and prints the most that was ever held: permits, and
 * of a provider.
 */
const [file = '', project = '', limit = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const opened = openLedger({
  file,
  projectId: project,
  process: {pid: process.pid, startTime: '1', bootId: 'b'},
  isAlive: () => true,
  limits: {maxRunning: Number(limit), minFreeMemoryBytes: 0, minFreeDiskBytes: 0, memoryPerAttemptBytes: 1},
  probe: () => ({availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null}),
  readClock,
  random: Math.random,
  staleAfterMs: 1000,
});
if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
const witness = new Database(file, {readonly: true, timeout: 5000});
const sum = witness.prepare<[], number>('SELECT sum(permits) FROM leases').pluck();
const sumOfProvider = witness.prepare<[], number>('SELECT sum(max(running, permits)) FROM provider_claims').pluck();
const random = seededRandom(process.pid);
let most = 0;
let mostOfProvider = 0;
let granted = 0;
for (let turn = 0; turn < 400; turn += 1) {
  const running = Math.floor(random() * (granted + 1));
  const grant = opened.value.request(prompts(Math.floor(random() * Number(limit) * 1.5), running));
  granted = Math.min(grant.permits, grant.gates[0]?.permits ?? grant.permits);
  most = Math.max(most, sum.get() ?? 0);
  mostOfProvider = Math.max(mostOfProvider, sumOfProvider.get() ?? 0);
}
witness.close();
opened.value.release();
opened.value[Symbol.dispose]();
process.stdout.write(`${most} ${mostOfProvider}\n`);
process.exit(0);
