import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Heap} from '../../../src/base/heap.ts';
import {type Random, seededRandom} from '../../../src/base/random.ts';
import type {Admission} from '../../../src/daemon/admission/admission.ts';
import {openLedger} from '../../../src/daemon/admission/ledger.ts';
import type {ProviderSignalKind} from '../../../src/model/provider.ts';
import {prompts} from './demands.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Requests that the server takes at a time. */
  readonly capacity: number;
  /** How long it asks to be left alone; null: it does not say. */
  readonly retryAfterMs: number | null;
  /** What a refused attempt does: ends, or asks again by itself and stays. */
  readonly refused: 'ends' | 'stays';
  /** Whether each answered request is told, or the end of each attempt alone. */
  readonly told: 'requests' | 'attempts';
  /** Attempts to be done by each project. */
  readonly projects: readonly number[];
}

interface Moment {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

const REQUESTS = 3;
const OWN_RETRY_MS = 2000;

/**
 * A server that refuses requests beyond its capacity, and projects with attempts that send it some, one after the other. Time
 * is virtual; the ledger, its file and its gates are real.
 */
export class ThrottlingWorld implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'godel-throttle-'));
  readonly #random: Random;
  readonly #options: WorldOptions;
  readonly #moments = new Heap<Moment>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  readonly projects: Project[];
  #order = 0;
  nowMs = 1_000_000;
  active = 0;
  /** Attempts of all projects at a time, from a minute after the beginning. */
  mostInFlight = 0;
  /** Service time of all that was answered. */
  servedMs = 0;
  refusals = 0;
  /** Attempts done of each project when the first of them had done all. */
  firstDone: readonly number[] | null = null;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.projects = options.projects.map((count, index) => new Project(this, `p${index}`, count));
  }

  get options(): WorldOptions {
    return this.#options;
  }

  get retryAfterMs(): number | null {
    return this.#options.retryAfterMs;
  }

  open(projectId: string, random: Random): Admission {
    const opened = openLedger({
      file: join(this.#folder, 'ledger.db'),
      projectId,
      process: {pid: 1, startTime: projectId, bootId: 'b'},
      isAlive: () => true,
      limits: {maxRunning: 1000, minFreeMemoryBytes: 0, minFreeDiskBytes: 0, memoryPerAttemptBytes: 1},
      probe: () => ({availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null}),
      readClock: () => ({monoMs: this.nowMs, wallMs: this.nowMs}),
      random,
      staleAfterMs: 60_000,
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    return opened.value;
  }

  between(lowMs: number, highMs: number): number {
    return lowMs + this.#random() * (highMs - lowMs);
  }

  after(ms: number, happen: () => void): void {
    this.#moments.push({atMs: this.nowMs + ms, order: (this.#order += 1), happen});
  }

  /** One request: `true` when it is answered, after its time; `false` at once when the server is full. */
  send(done: (answered: boolean) => void): void {
    if (this.active >= this.#options.capacity) {
      this.refusals += 1;
      this.after(1, () => done(false));
      return;
    }
    this.active += 1;
    const ms = this.between(200, 600);
    this.after(ms, () => {
      this.active -= 1;
      this.servedMs += ms;
      done(true);
    });
  }

  /** Runs until everything is done; returns how long that took. */
  run(limitMs = 24 * 3_600_000): number {
    const startMs = this.nowMs;
    for (const project of this.projects) project.ask();
    while (this.projects.some(({left, running}) => left + running > 0)) {
      const next = this.#moments.pop();
      if (!next) throw new Error('nothing happens any more');
      this.nowMs = next.atMs;
      if (this.nowMs - startMs > limitMs) throw new Error('takes too long');
      next.happen();
      const inFlight = this.projects.reduce((sum, {running}) => sum + running, 0);
      if (this.nowMs - startMs > 60_000) this.mostInFlight = Math.max(this.mostInFlight, inFlight);
      if (this.projects.some(({left, running}) => left + running === 0))
        this.firstDone ??= this.projects.map(({done}) => done);
    }
    return this.nowMs - startMs;
  }

  [Symbol.dispose](): void {
    for (const project of this.projects) project.admission[Symbol.dispose]();
    rmSync(this.#folder, {recursive: true});
  }
}

class Project {
  readonly #world: ThrottlingWorld;
  readonly admission: Admission;
  left: number;
  running = 0;
  permits = 0;
  done = 0;
  /** Attempts started within the same moment, at most, after the first refusal. */
  mostAtOnce = 0;
  #asked = 0;

  constructor(world: ThrottlingWorld, name: string, count: number) {
    this.#world = world;
    this.left = count;
    this.admission = world.open(name, () => world.between(0, 1));
  }

  ask(): void {
    const want = Math.min(50, this.left + this.running);
    const grant = this.admission.request(prompts(want, this.running));
    this.permits = grant.gates[0]?.permits ?? grant.permits;
    this.#start();
    this.#asked += 1;
    const mark = this.#asked;
    if (grant.againMs === null) return;
    this.#world.after(grant.againMs, () => {
      if (mark === this.#asked) this.ask();
    });
  }

  #start(): void {
    let started = 0;
    const isKnown = this.#world.refusals > 0;
    while (this.left > 0 && this.running < this.permits) {
      this.left -= 1;
      this.running += 1;
      started += 1;
      this.#attempt(REQUESTS);
    }
    if (isKnown) this.mostAtOnce = Math.max(this.mostAtOnce, started);
  }

  #attempt(requests: number): void {
    if (requests === 0) return this.#end('done');
    this.#world.send(answered => {
      if (!answered) this.#tell('throttled');
      else if (requests === 1 || this.#world.options.told === 'requests') this.#tell('ok');
      if (answered) this.#attempt(requests - 1);
      else if (this.#world.options.refused === 'ends') this.#end('again');
      else this.#world.after(this.#world.between(0.5, 1.5) * OWN_RETRY_MS, () => this.#attempt(requests));
    });
  }

  #tell(kind: ProviderSignalKind): void {
    const retryAfterMs = kind === 'ok' ? null : this.#world.retryAfterMs;
    if (this.admission.signal({provider: 'anthropic', kind, retryAfterMs}, this.running)) this.ask();
  }

  #end(how: 'done' | 'again'): void {
    this.running -= 1;
    if (how === 'again') this.left += 1;
    else this.done += 1;
    this.#start();
  }
}
