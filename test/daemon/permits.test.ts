import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import type {Admission, Grant} from '../../src/daemon/admission/admission.ts';
import {openLedger} from '../../src/daemon/admission/ledger.ts';
import {Permits, type Running} from '../../src/daemon/permits.ts';
import {commands, prompts} from './admission/demands.ts';

let folder = '';
let file = '';
const opened: Admission[] = [];
beforeEach(() => {
  vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date']});
  folder = mkdtempSync(join(tmpdir(), 'godel-permits-'));
  file = join(folder, 'ledger.db');
});
afterEach(() => {
  vi.useRealTimers();
  for (const admission of opened.splice(0)) admission[Symbol.dispose]();
  rmSync(folder, {recursive: true});
});

function open(projectId: string): Admission {
  const ledger = openLedger({
    file,
    projectId,
    process: {pid: 1, startTime: projectId, bootId: 'b'},
    isAlive: () => true,
    limits: {maxRunning: 100, minFreeMemoryBytes: 0, minFreeDiskBytes: 0, memoryPerAttemptBytes: 1},
    probe: () => ({availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null}),
    readClock: () => ({monoMs: Date.now(), wallMs: Date.now()}),
    random: () => 0.5,
    staleAfterMs: 60_000,
  });
  if (!ledger.ok) throw new Error(ledger.failure.reason);
  opened.push(ledger.value);
  return ledger.value;
}

/** A daemon's permits, with what runs as the test says and every grant in order. */
function start(projectId: string) {
  const grants: Grant[] = [];
  let inFlight = 0;
  const running = (): Running => ({
    attempts: inFlight,
    memoryBytes: inFlight * 10,
    providers: new Map(inFlight > 0 ? [['anthropic', inFlight]] : []),
  });
  const permits = Permits.start({admission: open(projectId), running, granted: grant => grants.push(grant)});
  return {
    permits,
    grants,
    runs: (count: number) => {
      inFlight = count;
    },
    want: (count: number) =>
      permits.want({
        want: count,
        memoryBytes: count * 10,
        providers: [{provider: 'anthropic', want: count, running: inFlight}],
      }),
  };
}

test('a daemon that finds two attempts running gives back the rest of what its killed predecessor held', () => {
  const killed = open('ours');
  expect(killed.request(commands(100, 0))).toMatchObject({permits: 100});
  const running = {attempts: 2, memoryBytes: 0, providers: new Map()};
  const permits = Permits.start({admission: open('ours'), running: () => running, granted: () => undefined});
  expect(open('other').request(commands(100, 0))).toMatchObject({permits: 98});
  permits.close({keepLease: false});
});

test('what is wanted is granted, with its memory, and said once', () => {
  const {permits, grants, want} = start('ours');
  want(50);
  want(50);
  expect(grants).toEqual([{permits: 50, memoryBytes: 500, why: null, gates: [], againMs: null}]);
  permits.close({keepLease: false});
});

test('a refusal is heeded at once, and the waiting are let go when the pause is over', () => {
  const {permits, grants, runs, want} = start('ours');
  want(50);
  runs(50);
  permits.signal({provider: 'anthropic', kind: 'throttled', retryAfterMs: 700});
  expect(grants.at(-1)).toMatchObject({permits: 50, gates: [{provider: 'anthropic', permits: 0}]});
  const said = grants.length;
  permits.signal({provider: 'anthropic', kind: 'ok', retryAfterMs: null});
  expect(grants).toHaveLength(said);
  runs(0);
  vi.advanceTimersByTime(700);
  expect(grants.at(-1)?.gates).toMatchObject([{permits: 0}]);
  vi.advanceTimersByTime(300);
  const first = grants.at(-1)?.gates[0]?.permits ?? 0;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(10);
  vi.advanceTimersByTime(2000);
  expect(grants.at(-1)?.gates).toMatchObject([{permits: 25, why: 'anthropic allows 25 at a time just now'}]);
  permits.close({keepLease: false});
});

test('a project that has got all it wants makes room for another one that comes later', () => {
  const [ours, theirs] = [start('ours'), start('theirs')];
  ours.want(20);
  ours.runs(20);
  ours.permits.signal({provider: 'anthropic', kind: 'throttled', retryAfterMs: 0});
  vi.advanceTimersByTime(3000);
  ours.want(10);
  ours.runs(10);
  vi.advanceTimersByTime(3000);
  expect(ours.grants.at(-1)?.gates).toMatchObject([{permits: 10, why: null}]);
  theirs.want(10);
  vi.advanceTimersByTime(1000);
  expect(ours.grants.at(-1)?.gates).toMatchObject([{permits: 5}]);
  ours.runs(5);
  vi.advanceTimersByTime(3000);
  expect(theirs.grants.at(-1)?.gates).toMatchObject([{permits: 5}]);
  ours.permits.close({keepLease: false});
  vi.advanceTimersByTime(2000);
  expect(theirs.grants.at(-1)?.gates).toMatchObject([{permits: 10, why: null}]);
  theirs.permits.close({keepLease: false});
});

test('others hear within seconds how many of our attempts use a provider', () => {
  const {permits, runs, want} = start('ours');
  want(30);
  runs(30);
  vi.advanceTimersByTime(5000);
  const other = open('other');
  other.signal({provider: 'anthropic', kind: 'throttled', retryAfterMs: 0}, 10);
  vi.advanceTimersByTime(10_000);
  permits.close({keepLease: false});
  expect(other.request(prompts(50, 0)).gates).toMatchObject([{permits: 20}]);
});
