import {type Result, fail, ok} from '../base/result.ts';
import type {ChildCpu, PeakMemory} from '../os/usage.ts';
import type {Command} from '../runtimes/runtime.ts';
import type {AttemptClock} from './attempt-clock.ts';
import type {Ending} from './ending.ts';
import {type Exit, type ProcessGroup, type StandardInput, type StartFailure, startGroup} from './process-group.ts';
import type {StraySweeper} from './stray-sweeper.ts';
import type {AttemptLife} from './watch/attempt-life.ts';

/** How long output may stay open after the program has ended before whoever holds it is looked for. */
const DRAIN_MS = 200;

/** What running programs uses of the host. */
export interface ProgramMeans {
  /** Waits for a turn: only so many starts are in flight. */
  readonly inTurn: <T>(start: () => Promise<T>) => Promise<T>;
  readonly sweeper: StraySweeper;
  readonly cpu: ChildCpu;
  readonly peak: PeakMemory;
}

export interface ProgramRunnerOptions {
  readonly means: ProgramMeans;
  readonly cookie: string;
  readonly umask: number;
  readonly killGraceMs: number;
  /** Look for what a program has left behind even when nothing hints at it: somebody else gets its folder. */
  readonly thorough: boolean;
  readonly ending: Ending;
  readonly clock: AttemptClock;
  readonly life: AttemptLife;
}

export interface Program extends Command {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** By default closed. */
  readonly stdin?: StandardInput;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  readonly onStarted?: (group: ProcessGroup) => void;
  /** Asks it to end before its time; without it, signals do at once. */
  readonly end?: (group: ProcessGroup) => void;
}

/** Runs the programs of one attempt, each to its end and with everything that it has started; sums up what they used. */
export class ProgramRunner {
  readonly #options: ProgramRunnerOptions;
  #cpuSeconds: number | null = null;
  #maxRssBytes: number | null = null;

  constructor(options: ProgramRunnerOptions) {
    this.#options = options;
  }

  get usage(): {readonly cpuSeconds: number | null; readonly maxRssBytes: number | null} {
    return {cpuSeconds: this.#cpuSeconds, maxRssBytes: this.#maxRssBytes};
  }

  /** Resolves when nothing of it is left and its output has been read to the end. */
  async run(program: Program): Promise<Result<Exit, StartFailure>> {
    const {means, ending, clock, killGraceMs, life} = this.#options;
    const started = await this.#begin(program);
    if (!started.ok) return started;
    const group = started.value;
    const peak = means.peak.watch(group.pid);
    program.onStarted?.(group);
    const forget = ending.onBegin(() => {
      // What is held cannot answer.
      if (program.end && !life.pause.isPaused) program.end(group);
      else group.end(killGraceMs);
    });
    clock.arm();

    const exit = await group.exited;
    const cpuSeconds = means.cpu.ofEndedChild();
    life.ended();
    forget();
    this.#maxRssBytes = larger(this.#maxRssBytes, peak.stop());
    await this.#settle(group, exit);
    const seconds = await cpuSeconds;
    if (seconds !== null) this.#cpuSeconds = (this.#cpuSeconds ?? 0) + seconds;
    return ok(exit);
  }

  /** Nothing is started of an attempt that is paused, also when it was only while it waited for its turn. */
  async #begin(program: Program): Promise<Result<ProcessGroup, StartFailure>> {
    const {means, ending, life} = this.#options;
    for (;;) {
      await life.pause.over(ending);
      const started = await means.inTurn(() => (this.#isHeld ? Promise.resolve(null) : this.#start(program)));
      if (started) return started;
    }
  }

  get #isHeld(): boolean {
    const {life, ending} = this.#options;
    return life.pause.isPaused && !ending.failure;
  }

  #start(program: Program): Promise<Result<ProcessGroup, StartFailure>> {
    const {ending, clock, umask, life} = this.#options;
    if (ending.failure) return Promise.resolve(fail({code: 'ECANCELED', detail: 'stopped before it had started'}));
    clock.start();
    return startGroup({
      ...program,
      umask,
      onForked: pid => life.begun(pid),
      onStdout: chunk => {
        life.printed(chunk.length);
        program.onStdout(chunk);
      },
      onStderr: chunk => {
        life.printed(chunk.length);
        program.onStderr(chunk);
      },
    });
  }

  /**
   * Most programs leave nothing: their output is closed and their group is empty. Only otherwise, and when it went
   * wrong (somebody will do this task again), is the whole machine searched for what they left before we go on.
   */
  async #settle(group: ProcessGroup, {exitCode}: Exit): Promise<void> {
    const {means, ending, cookie, thorough} = this.#options;
    const drained = await within(DRAIN_MS, group.drained);
    const left = group.signal(0);
    if (drained && !left && exitCode === 0 && !ending.failure && !thorough) return;
    if (left) group.signal('SIGTERM');
    await means.sweeper.sweep(cookie);
    // What is left now has hidden its cookie.
    group.signal('SIGKILL');
    if (!drained && !(await within(DRAIN_MS, group.drained))) group.abandonOutput();
  }
}

/** Whether `promise` resolved within `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const result = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return result;
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}
