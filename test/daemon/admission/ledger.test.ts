import {mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {Admission} from '../../../src/daemon/admission/admission.ts';
import type {AdmissionLimits} from '../../../src/daemon/admission/grant.ts';
import {type LedgerOptions, openLedger} from '../../../src/daemon/admission/ledger.ts';
import type {ProcessIdentity} from '../../../src/model/process-identity.ts';
import {commands, prompts} from './demands.ts';

const STALE_AFTER_MS = 10_000;
const UNKNOWN = {availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null};

/** One machine with a clock of its own and processes that live until they are said to be dead. */
class Machine {
  readonly file: string;
  readonly #dead = new Set<number>();
  readonly limits: AdmissionLimits;
  readonly #opened: Admission[] = [];
  nowMs = 1_000_000;
  wallMs = 50_000_000;
  bootId = 'boot-1';

  constructor(file: string, maxRunning: number | null) {
    this.file = file;
    this.limits = {maxRunning, minFreeMemoryBytes: 100, minFreeDiskBytes: 100, memoryPerAttemptBytes: 10};
  }

  open(projectId: string, pid: number, changes: Partial<LedgerOptions> = {}): Admission {
    const opened = openLedger({
      file: this.file,
      projectId,
      process: {pid, startTime: '1', bootId: this.bootId},
      isAlive: process => this.isAlive(process),
      limits: this.limits,
      probe: () => UNKNOWN,
      readClock: () => this.now(),
      random: () => 0.5,
      staleAfterMs: STALE_AFTER_MS,
      ...changes,
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    this.#opened.push(opened.value);
    return opened.value;
  }

  now() {
    return {monoMs: this.nowMs, wallMs: this.wallMs};
  }

  isAlive({pid, bootId}: ProcessIdentity): boolean {
    return bootId === this.bootId && !this.#dead.has(pid);
  }

  kill(pid: number): void {
    this.#dead.add(pid);
  }

  wait(ms: number): void {
    this.nowMs += ms;
    this.wallMs += ms;
  }

  /** Turned off and on: no process is left and the monotonic clock starts anew. */
  reboot(offMs = 0): void {
    this.wallMs += offMs;
    this.nowMs = 5;
    this.bootId = 'boot-2';
  }

  held(): number {
    const db = new Database(this.file, {readonly: true});
    const sum = db.prepare<[], number>('SELECT coalesce(sum(permits), 0) FROM leases').pluck().get();
    db.close();
    return sum ?? 0;
  }

  close(): void {
    for (const admission of this.#opened) admission[Symbol.dispose]();
  }
}

describe('the ledger', () => {
  let folder = '';
  let machine: Machine;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-ledger-'));
    machine = new Machine(join(folder, 'ledger.db'), 10);
  });
  afterEach(() => {
    machine.close();
    rmSync(folder, {recursive: true});
  });

  it('shares the limit between projects and says who holds the rest', () => {
    const [a, b] = [machine.open('a', 1), machine.open('b', 2)];
    expect(a.request(commands(7, 0))).toMatchObject({permits: 7, why: null});
    expect(b.request(commands(7, 0))).toMatchObject({
      permits: 3,
      why: expect.stringContaining('other projects of yours hold 7'),
    });
    expect(a.request(commands(1, 4))).toMatchObject({permits: 4, why: null});
    expect(b.request(commands(7, 3))).toMatchObject({permits: 6, why: expect.stringContaining('hold 4')});
    a.release();
    expect(b.request(commands(20, 6))).toMatchObject({permits: 10, why: expect.not.stringContaining('other')});
    expect(a.request(commands(1, 0)).permits).toBe(0);
  });

  it('counts a lease until its process is dead and the lease is stale, both', () => {
    const [a, b] = [machine.open('a', 1), machine.open('b', 2)];
    a.request(commands(10, 0));
    machine.nowMs += STALE_AFTER_MS * 5;
    expect(b.request(commands(1, 0)).permits).toBe(0);
    a.beat(machine.now());
    machine.kill(1);
    machine.nowMs += STALE_AFTER_MS;
    expect(b.request(commands(1, 0)).permits).toBe(0);
    machine.nowMs += 1;
    expect(b.request(commands(1, 0)).permits).toBe(1);
    expect(machine.held()).toBe(1);
  });

  it('hands the lease of a project on to its next daemon, whose attempts still run', () => {
    const first = machine.open('a', 1);
    first.request(commands(8, 0));
    first[Symbol.dispose]();
    machine.kill(1);
    const next = machine.open('a', 3);
    const b = machine.open('b', 2);
    machine.nowMs += STALE_AFTER_MS * 2;
    expect(b.request(commands(10, 0)).permits).toBe(2);
    expect(next.request(commands(8, 8))).toMatchObject({permits: 8, why: null});
    expect(machine.held()).toBe(10);
  });

  it('forgets the leases from before a reboot, when the clock starts anew', () => {
    machine.open('a', 1).request(commands(10, 0));
    machine.reboot();
    expect(machine.open('b', 2).request(commands(10, 0))).toMatchObject({permits: 10, why: null});
  });

  it('grants nothing beyond what runs while memory is short', () => {
    const admission = machine.open('a', 1, {probe: () => ({...UNKNOWN, availableMemoryBytes: 99})});
    expect(admission.request(commands(5, 2))).toMatchObject({permits: 2, why: 'less than 0 MiB of memory is free'});
  });

  it('keeps to what it holds while the ledger cannot be used', () => {
    const admission = machine.open('a', 1);
    admission.request(commands(6, 0));
    const other = new Database(machine.file);
    other.exec('BEGIN IMMEDIATE');
    expect(admission.request(commands(9, 2))).toMatchObject({
      permits: 6,
      why: expect.stringContaining('cannot be used'),
    });
    expect(admission.request(commands(4, 2))).toMatchObject({permits: 4, why: null});
    admission.beat(machine.now());
    other.exec('ROLLBACK');
    other.close();
    expect(admission.request(commands(9, 2))).toMatchObject({permits: 9, why: null});
  });

  it('goes on with the ledger of an earlier version', () => {
    const old = new Database(machine.file);
    old.exec(`CREATE TABLE leases (project TEXT PRIMARY KEY, pid INTEGER NOT NULL, start_time TEXT NOT NULL,
      boot_id TEXT NOT NULL, permits INTEGER NOT NULL, beat_mono_ms REAL NOT NULL) WITHOUT ROWID;
      INSERT INTO leases VALUES ('old', 7, '1', 'boot-1', 4, 1000000)`);
    old.close();
    expect(machine.open('a', 1).request(commands(10, 0)).permits).toBe(6);
  });

  it('is readable for its owner alone', () => {
    machine.open('a', 1);
    expect(statSync(machine.file).mode & 0o777).toBe(0o600);
  });

  it('is refused with advice when it is a folder or no database', () => {
    const file = join(folder, 'broken.db');
    writeFileSync(file, 'x'.repeat(2000));
    const options = {projectId: 'a', process: {pid: 1, startTime: '1', bootId: 'b'}, isAlive: () => true};
    const rest = {...options, limits: {} as AdmissionLimits, probe: () => UNKNOWN, staleAfterMs: 1};
    const open = (path: string) => openLedger({...rest, file: path, readClock: () => machine.now(), random: () => 0.5});
    expect(open(file)).toMatchObject({ok: false, failure: {reason: 'store-unusable', path: file}});
    mkdirSync(join(folder, 'sub'));
    expect(open(join(folder, 'sub'))).toMatchObject({ok: false, failure: {reason: 'store-unusable'}});
  });

  it('never lets leases exceed the limit, whoever asks, dies, returns or waits in whatever order', () => {
    const step = fc.record({
      project: fc.integer({min: 0, max: 3}),
      what: fc.constantFrom('request', 'request', 'request', 'die', 'beat', 'release', 'wait'),
      want: fc.integer({min: 0, max: 14}),
      share: fc.integer({min: 0, max: 100}),
    });
    let round = 0;
    fc.assert(
      fc.property(fc.array(step, {minLength: 1, maxLength: 40}), steps => {
        const arena = new Machine(join(folder, `${(round += 1)}.db`), 10);
        const projects = [0, 1, 2, 3].map(pid => ({pid, admission: arena.open(`p${pid}`, pid), granted: 0}));
        for (const {project: index, what, want, share} of steps) {
          const project = projects[index]!;
          if (what === 'request') {
            const running = Math.floor((project.granted * share) / 100);
            const {permits, why} = project.admission.request(commands(want, running));
            expect(permits).toBeGreaterThanOrEqual(running);
            expect(permits).toBeLessThanOrEqual(Math.max(want, running));
            expect(why === null).toBe(permits >= want);
            project.granted = permits;
          } else if (what === 'beat') project.admission.beat(arena.now());
          else if (what === 'wait') arena.nowMs += (STALE_AFTER_MS * share) / 50;
          else if (what === 'release') {
            project.admission.release();
            project.granted = 0;
          } else {
            // The daemon dies and the next one is there before the lease is stale; its attempts go on meanwhile.
            arena.kill(project.pid);
            project.pid += 10;
            project.admission = arena.open(`p${index}`, project.pid);
          }
          expect(arena.held()).toBeLessThanOrEqual(10);
          expect(arena.held()).toBe(projects.reduce((sum, {granted}) => sum + granted, 0));
        }
        arena.close();
      }),
      {numRuns: 25},
    );
  });
});

describe('the memory of the machine', () => {
  const GIB = 1024 ** 3;
  const CLAUDE = 182 * 1024 * 1024;
  let folder = '';
  let machine: Machine;
  let availableMemoryBytes = 0;
  const probe = () => ({availableMemoryBytes, totalMemoryBytes: 24 * GIB, freeDiskBytes: null});
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-ledger-'));
    machine = new Machine(join(folder, 'ledger.db'), 1000);
    availableMemoryBytes = 2.5 * GIB;
  });
  afterEach(() => {
    machine.close();
    rmSync(folder, {recursive: true});
  });

  const agents = (want: number, running: number) => ({
    want,
    running,
    memoryBytes: {want: want * CLAUDE, running: running * CLAUDE},
    providers: [],
  });
  const fitting = ({memoryBytes}: {memoryBytes: number}) => Math.floor(memoryBytes / CLAUDE);

  it('is granted as far as it is free, and the rest wait with the numbers for a reason', () => {
    const grant = machine.open('a', 1, {probe}).request(agents(50, 0));
    expect(grant).toMatchObject({permits: 50, againMs: 1000});
    expect(fitting(grant)).toBe(14);
    expect(grant.why).toBe('2.5 GiB of 24 GiB of memory is there for attempts: 14 of 50 fit (182 MiB each)');
  });

  it('is not granted twice while those who were just started have not yet taken theirs', () => {
    const admission = machine.open('a', 1, {probe});
    expect(fitting(admission.request(agents(50, 0)))).toBe(14);
    for (let second = 1; second <= 20; second += 1) {
      machine.wait(1000);
      expect(fitting(admission.request(agents(50, 14)))).toBe(14);
    }
    availableMemoryBytes -= 14 * CLAUDE;
    machine.wait(60_000);
    expect(fitting(admission.request(agents(50, 14)))).toBe(14);
    machine.wait(60_000);
    availableMemoryBytes += GIB;
    machine.wait(60_000);
    admission.request(agents(50, 14));
    machine.wait(60_000);
    expect(fitting(admission.request(agents(50, 14)))).toBe(19);
  });

  it('is shared with other projects, and what runs keeps its own', () => {
    const [a, b] = [machine.open('a', 1, {probe}), machine.open('b', 2, {probe})];
    expect(fitting(a.request(agents(10, 0)))).toBe(10);
    const grant = b.request(agents(10, 0));
    expect(fitting(grant)).toBe(4);
    expect(grant.why).toContain('of which other projects of yours hold 1.8 GiB: 4 of 10 fit');
    expect(fitting(b.request(agents(10, 9)))).toBe(9);
    a.release();
    machine.wait(1000);
    expect(fitting(b.request(agents(10, 9)))).toBe(10);
  });

  it('lets one attempt go on where not even one fits, and a few commands', () => {
    availableMemoryBytes = 200;
    const admission = machine.open('a', 1, {probe});
    expect(fitting(admission.request(agents(50, 0)))).toBe(1);
    const command = {want: 50, running: 0, memoryBytes: {want: 500, running: 0}, providers: []};
    expect(admission.request(command).memoryBytes).toBe(40);
  });
});

describe('the gates in the ledger', () => {
  const throttled = {provider: 'anthropic', kind: 'throttled', retryAfterMs: 5000} as const;
  const quota = {provider: 'anthropic', kind: 'quota', retryAfterMs: 3_600_000} as const;
  let folder = '';
  let machine: Machine;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-ledger-'));
    machine = new Machine(join(folder, 'ledger.db'), 1000);
  });
  afterEach(() => {
    machine.close();
    rmSync(folder, {recursive: true});
  });

  it('say nothing of a provider that has refused nothing, and write nothing for its answers', () => {
    const admission = machine.open('a', 1);
    expect(admission.request(prompts(50, 0))).toMatchObject({permits: 50, gates: [], againMs: null});
    expect(admission.signal({provider: 'anthropic', kind: 'ok', retryAfterMs: null}, 50)).toBe(false);
  });

  it('count what other projects have in flight, and share the limit with them', () => {
    const [a, b] = [machine.open('a', 1), machine.open('b', 2)];
    a.request(prompts(30, 30));
    b.request(prompts(30, 10));
    expect(b.signal(throttled, 10)).toBe(true);
    expect(b.request(prompts(30, 10)).gates).toEqual([
      {provider: 'anthropic', permits: 0, why: 'anthropic: too many requests, next try in a few seconds'},
    ]);
    machine.wait(10_000);
    const why = 'anthropic allows 20 at a time just now, shared with other projects of yours';
    expect(a.request(prompts(30, 12)).gates).toEqual([{provider: 'anthropic', permits: 10, why}]);
    expect(b.request(prompts(30, 3)).gates).toMatchObject([{permits: 8}]);
    expect(a.request(prompts(30, 10)).gates).toMatchObject([{permits: 10}]);
    expect(b.request(prompts(30, 8)).gates).toMatchObject([{permits: 10}]);
    expect(a.request(commands(5, 0)).gates).toEqual([]);
    expect(b.request(prompts(30, 10)).gates).toMatchObject([{permits: 20, why: expect.not.stringContaining('shared')}]);
  });

  it('leave other providers alone', () => {
    const admission = machine.open('a', 1);
    admission.request(prompts(30, 30));
    admission.signal(throttled, 30);
    expect(admission.request(prompts(30, 0, 'openai')).gates).toEqual([]);
  });

  it('are there for those who come after', () => {
    const first = machine.open('a', 1);
    first.request(prompts(30, 30));
    first.signal(throttled, 30);
    first[Symbol.dispose]();
    machine.wait(10_000);
    expect(machine.open('a', 3).request(prompts(30, 0)).gates).toMatchObject([{permits: 15}]);
  });

  it('take no notice of a wall clock that jumps', () => {
    const admission = machine.open('a', 1);
    admission.signal(quota, 30);
    machine.wallMs += 1e10;
    expect(admission.request(prompts(30, 0)).gates[0]).toMatchObject({
      permits: 0,
      why: 'anthropic: quota used up, next try in 1 h 1 min',
    });
    machine.wallMs -= 2e10;
    machine.wait(3_700_000);
    expect(admission.request(prompts(30, 0)).gates[0]?.permits).toBe(30);
  });

  it('go by the wall clock from one boot to the next', () => {
    machine.open('a', 1).signal(quota, 30);
    machine.reboot(1_800_000);
    const admission = machine.open('a', 2);
    expect(admission.request(prompts(30, 0)).gates[0]?.why).toBe('anthropic: quota used up, next try in 31 min');
    machine.wait(1_900_000);
    expect(admission.request(prompts(30, 0)).gates[0]?.permits).toBe(30);
  });

  it('stay closed no longer than was asked for when the wall clock was set back over a reboot', () => {
    machine.open('a', 1).signal(quota, 30);
    machine.reboot(-1e9);
    const admission = machine.open('a', 2);
    expect(admission.request(prompts(30, 0)).gates[0]?.permits).toBe(0);
    machine.wait(3_700_000);
    expect(admission.request(prompts(30, 0)).gates[0]?.permits).toBe(30);
  });

  it('give the share of a project that was killed to the others', () => {
    const [a, b] = [machine.open('a', 1), machine.open('b', 2)];
    a.request(prompts(30, 20));
    b.request(prompts(30, 0));
    b.signal(throttled, 0);
    machine.wait(10_000);
    expect(b.request(prompts(30, 0)).gates[0]?.permits).toBe(0);
    machine.kill(1);
    machine.wait(STALE_AFTER_MS + 1);
    expect(b.request(prompts(30, 0)).gates[0]?.permits).toBe(10);
  });

  it('hand the share of a project on to its next daemon, and take back what that does not use', () => {
    const [first, b] = [machine.open('a', 1), machine.open('b', 2)];
    first.request(prompts(30, 20));
    first[Symbol.dispose]();
    machine.kill(1);
    const next = machine.open('a', 3);
    b.signal(throttled, 0);
    machine.wait(10_000);
    expect(b.request(prompts(30, 0)).gates[0]?.permits).toBe(0);
    next.request(commands(0, 0));
    expect(b.request(prompts(30, 0)).gates[0]?.permits).toBe(10);
  });

  it('stay as they were while the ledger cannot be used', () => {
    const admission = machine.open('a', 1);
    admission.signal(throttled, 30);
    machine.wait(10_000);
    const {gates} = admission.request(prompts(30, 15));
    const other = new Database(machine.file);
    other.exec('BEGIN IMMEDIATE');
    expect(admission.request(prompts(30, 15))).toMatchObject({gates, againMs: 1000});
    expect(admission.signal(throttled, 15)).toBe(false);
    other.exec('ROLLBACK');
    other.close();
  });
});
