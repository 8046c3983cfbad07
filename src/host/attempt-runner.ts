import PQueue from 'p-queue';
import type {StopReason} from '../model/failure.ts';
import type {AttemptId, HostId, TeamId} from '../model/ids.ts';
import {ChildCpu, PeakMemory} from '../os/usage.ts';
import type {Runtime} from '../runtimes/runtime.ts';
import type {AttemptOrder, HostLimits, Report, TeamOpening} from '../wire/host-protocol.ts';
import {Attempt} from './attempt.ts';
import type {EdgeBreakers} from './edge-breakers.ts';
import type {Progress} from './progress.ts';
import type {Redaction} from './redaction.ts';
import type {StraySweeper} from './stray-sweeper.ts';
import type {Worktrees} from './worktrees.ts';

export interface OpenTeam {
  readonly team: TeamOpening;
  readonly runtime: Runtime;
  readonly redaction: Redaction;
}

export interface RunnerOptions {
  readonly hostId: HostId;
  readonly storeId: string;
  readonly sweeper: StraySweeper;
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
    const {hostId, storeId, sweeper, progress, worktrees, breakers, report} = this.#options;
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
      cpu: this.#cpu,
      peak: this.#peak,
      worktrees,
      breakers,
      report,
      onOutput: () => progress.changed(id, lastLine),
    });
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
