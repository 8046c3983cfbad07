import PQueue from 'p-queue';
import type {StopReason} from '../model/failure.ts';
import type {AttemptId, HostId, TeamId} from '../model/ids.ts';
import {ChildCpu, PeakMemory} from '../os/usage.ts';
import type {Runtime} from '../runtimes/runtime.ts';
import type {AttemptOrder, HostLimits, Report, TeamOpening} from '../wire/host-protocol.ts';
import {Attempt} from './attempt.ts';
import type {EdgeBreakers} from './edge-breakers.ts';
import type {FoundPrograms} from './found-programs.ts';
import type {Progress} from './progress.ts';
import type {Redaction} from './redaction.ts';
import type {StraySweeper} from './stray-sweeper.ts';
import type {AttemptWatch} from './watch/attempt-watch.ts';
import {DiskUse} from './watch/disk-use.ts';
import type {Worktrees} from './worktrees.ts';

const MAX_AHEAD = 10_000;

export interface OpenTeam {
  readonly team: TeamOpening;
  readonly runtime: Runtime;
  readonly redaction: Redaction;
  readonly found: FoundPrograms;
}

export interface RunnerOptions {
  readonly hostId: HostId;
  readonly storeId: string;
  readonly sweeper: StraySweeper;
  readonly watch: AttemptWatch;
  readonly progress: Progress;
  readonly worktrees: Worktrees;
  readonly breakers: EdgeBreakers;
  readonly report: (report: Report) => void;
}

/** Runs the attempts that the host is given, each once, however often it is given. */
export class AttemptRunner {
  readonly #options: RunnerOptions;
  readonly #starts = new PQueue({concurrency: 1});
  readonly #running = new Map<AttemptId, {attempt: Attempt; over: Promise<void>}>();
  /** Reported, and still giving back what they had. */
  readonly #closing = new Set<Promise<void>>();
  readonly #cpu = new ChildCpu();
  readonly #peak = new PeakMemory();
  readonly #disk = new DiskUse();
  /** To be paused as soon as they are ordered. */
  readonly #pausedAhead = new Set<AttemptId>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get running(): readonly AttemptId[] {
    return [...this.#running.keys()];
  }

  has(attempt: AttemptId): boolean {
    return this.#running.has(attempt);
  }

  start(order: AttemptOrder, open: OpenTeam, limits: HostLimits): void {
    const {hostId, storeId, sweeper, watch, progress, worktrees, breakers, report} = this.#options;
    this.#starts.concurrency = limits.spawnConcurrency;
    const id = order.attempt;
    const lastLine = () => attempt.lastLine;
    const attempt = new Attempt(order, {
      ...open,
      hostId,
      storeId,
      limits,
      inTurn: start => this.#inTurn(start),
      sweeper,
      watch,
      disk: this.#disk,
      cpu: this.#cpu,
      peak: this.#peak,
      worktrees,
      breakers,
      report,
      onOutput: () => progress.changed(id, lastLine),
    });
    if (this.#pausedAhead.delete(id)) attempt.setPaused(true);
    const over = attempt.run().then(outcome => {
      progress.forget(id);
      this.#running.delete(id);
      this.#close(attempt);
      report({type: 'attempt-finished', attempt: id, outcome});
    });
    this.#running.set(id, {attempt, over});
  }

  stop(attempts: readonly AttemptId[], by: StopReason): void {
    for (const id of attempts) this.#running.get(id)?.attempt.stop(by);
  }

  /** Those that run and are held. */
  get paused(): readonly AttemptId[] {
    return [...this.#running].flatMap(([id, {attempt}]) => (attempt.isPaused ? [id] : []));
  }

  /** Of attempts that are not known, because they are still to come or already over, it is remembered for a while. */
  pause(attempts: readonly AttemptId[], isPaused: boolean): void {
    for (const id of attempts) {
      const running = this.#running.get(id);
      if (running) running.attempt.setPaused(isPaused);
      else if (isPaused) this.#pausedAhead.add(id);
      else this.#pausedAhead.delete(id);
    }
    const [oldest] = this.#pausedAhead;
    if (this.#pausedAhead.size > MAX_AHEAD && oldest !== undefined) this.#pausedAhead.delete(oldest);
  }

  /** Of another connection nothing is remembered: whoever comes says again what is to be paused. */
  disconnected(): void {
    this.#pausedAhead.clear();
  }

  /** Resolves when everything is over. */
  async stopAll(by: StopReason, teamId?: TeamId): Promise<void> {
    const ending = [...this.#running.values()].filter(
      ({attempt}) => teamId === undefined || attempt.order.teamId === teamId,
    );
    for (const {attempt} of ending) attempt.stop(by);
    await Promise.all(ending.map(({over}) => over));
    await Promise.all(this.#closing);
  }

  close(): void {
    this.#peak.close();
    this.#options.progress.close();
  }

  #close(attempt: Attempt): void {
    const closing = attempt.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** A fork blocks the event loop, so its place is passed on only after others, sockets above all, had their turn. */
  #inTurn<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      void this.#starts.add(async () => {
        await start().then(resolve, reject);
        await new Promise(done => setImmediate(done));
      });
    });
  }
}
