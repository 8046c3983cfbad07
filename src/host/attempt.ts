import {accessSync, constants, statSync} from 'node:fs';
import {join} from 'node:path';
import {readClock} from '../base/clock.ts';
import {type Result, fail, ok} from '../base/result.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {cookieOf} from '../os/stray-processes.ts';
import type {ChildCpu, PeakMemory} from '../os/usage.ts';
import type {Command, Runtime} from '../runtimes/runtime.ts';
import type {AttemptOrder, HostLimits, TeamOpening} from '../wire/host-protocol.ts';
import {attemptEnvironment, inputsFolderOf} from './attempt-environment.ts';
import {shortened} from './file-failure.ts';
import {makeInputsFolder, removeFolder} from './inputs-folder.ts';
import {OutputFile} from './output-file.ts';
import {OutputLog} from './output-log.ts';
import {type Exit, type ProcessGroup, type StartFailure, startGroup} from './process-group.ts';
import type {StraySweeper} from './stray-sweeper.ts';

/** How long output may stay open after the program has ended before whoever holds it is looked for. */
const DRAIN_MS = 200;
/** Node's timers cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What an attempt uses of its host. */
export interface AttemptMeans {
  readonly team: TeamOpening;
  readonly runtime: Runtime;
  readonly hostId: string;
  readonly storeId: string;
  readonly limits: HostLimits;
  /** Waits for a turn: only so many starts are in flight. */
  readonly inTurn: <T>(start: () => Promise<T>) => Promise<T>;
  readonly sweeper: StraySweeper;
  readonly cpu: ChildCpu;
  readonly peak: PeakMemory;
  readonly onVerifying: () => void;
  readonly onOutput: () => void;
}

/**
 *     waiting ──► running ──► settling ──► over
 *        │          ▲            │          ▲
 *        │          └── verify ──┘          │
 *        └─────────────────────────────────►┘
 *
 * settling: the program has ended; its output is read to the end and what it left behind is ended.
 */
type State =
  | {readonly name: 'waiting'}
  | {readonly name: 'running'; readonly group: ProcessGroup}
  | {readonly name: 'settling'}
  | {readonly name: 'over'};

/** One attempt from its order to its outcome. Whatever happens, `run` resolves, and no process of it is left then. */
export class Attempt {
  readonly order: AttemptOrder;
  readonly #means: AttemptMeans;
  readonly #cookie: string;
  readonly #log: OutputLog;
  readonly #output: OutputFile | null;
  readonly #env: Record<string, string>;
  #state: State = {name: 'waiting'};
  /** Why it is being ended; the first reason is the one that counts. */
  #ending: Failure | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #startedMs: number | undefined;
  #cpuSeconds: number | null = null;
  #maxRssBytes: number | null = null;

  constructor(order: AttemptOrder, means: AttemptMeans) {
    this.order = order;
    this.#means = means;
    const {team, storeId, hostId, limits} = means;
    this.#cookie = cookieOf(storeId, order.attempt);
    this.#env = attemptEnvironment(order, {team, hostId, cookie: this.#cookie});
    this.#log = new OutputLog({file: join(team.folder, order.logFile), capBytes: limits.logCapBytes});
    this.#output =
      order.outputs === null || order.outputFile === null
        ? null
        : new OutputFile({
            file: join(team.folder, order.outputFile),
            kind: order.outputs,
            capBytes: limits.outputCapBytes,
          });
  }

  get lastLine(): string | null {
    return this.#log.lastLine;
  }

  async run(): Promise<AttemptOutcome> {
    let result: Result<number | null, Failure>;
    try {
      result = await this.#work();
    } catch (error) {
      result = fail({
        reason: 'unexpected',
        message: (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, 4000),
      });
    }
    await this.#cleanUp();
    this.#state = {name: 'over'};
    return {
      result: result.ok ? {ok: true} : result,
      durationMs: this.#startedMs === undefined ? 0 : Math.round(readClock().monoMs - this.#startedMs),
      usage: {...UNKNOWN_USAGE, cpuSeconds: this.#cpuSeconds, maxRssBytes: this.#maxRssBytes},
      outputBytes: result.ok ? result.value : null,
    };
  }

  /** Ends it, now or as soon as it has started. `run` resolves when it is over. */
  stop(by: StopReason): void {
    this.#end({reason: 'stopped', by});
  }

  /** Returns the bytes of the declared output. */
  async #work(): Promise<Result<number | null, Failure>> {
    const {order} = this;
    const {team} = this.#means;
    await makeInputsFolder(inputsFolderOf(order, team), {teamFolder: team.folder, inputs: order.inputs});
    if (order.work.kind !== 'command') return fail({reason: 'unexpected', message: 'not a command'});
    const run = await this.#step('run', order.work.script);
    if (!run.ok) return run;
    const checked = this.#output?.check() ?? ok(undefined);
    if (!checked.ok) return checked;
    if (order.verify !== null) {
      this.#means.onVerifying();
      const verified = await this.#step('verify', order.verify);
      if (!verified.ok) return verified;
    }
    return this.#output ? this.#output.commit() : ok(null);
  }

  async #cleanUp(): Promise<void> {
    clearTimeout(this.#timeout);
    this.#output?.discard();
    this.#log.close();
    if (this.order.inputs.length > 0) await removeFolder(inputsFolderOf(this.order, this.#means.team));
    if (this.#startedMs !== undefined) this.#means.sweeper.sweepSoon(this.#cookie);
  }

  /** Runs one script to its end, with everything it started. */
  async #step(step: 'run' | 'verify', script: string): Promise<Result<void, Failure>> {
    const command = this.#means.runtime.commandFor(script);
    const started = await this.#means.inTurn(() => this.#start(step, command));
    if (!started.ok) return fail(this.#ending ?? this.#startFailure(step, command, started.failure));
    const group = started.value;
    this.#state = {name: 'running', group};
    const peak = this.#means.peak.watch(group.pid);
    if (this.#ending) group.end(this.#means.limits.killGraceMs);
    else this.#startTimeout();

    const exit = await group.exited;
    const cpuSeconds = this.#means.cpu.ofEndedChild();
    this.#state = {name: 'settling'};
    this.#maxRssBytes = larger(this.#maxRssBytes, peak.stop());
    await this.#settle(group, exit);
    const seconds = await cpuSeconds;
    if (seconds !== null) this.#cpuSeconds = (this.#cpuSeconds ?? 0) + seconds;
    if (this.#ending) return fail(this.#ending);
    return exit.exitCode === 0 ? ok(undefined) : fail(this.#exitFailure(step, exit));
  }

  #start(step: 'run' | 'verify', command: Command): Promise<Result<ProcessGroup, StartFailure>> {
    if (this.#ending) return Promise.resolve(fail({code: 'ECANCELED', detail: 'it was stopped before it had started'}));
    this.#startedMs ??= readClock().monoMs;
    return startGroup({
      ...command,
      cwd: this.order.cwd,
      env: this.#env,
      umask: this.#means.team.umask,
      onStdout: chunk => this.#take(chunk, step === 'run' ? this.#output : null),
      onStderr: chunk => this.#take(chunk, null),
    });
  }

  #startTimeout(): void {
    const {timeoutMs} = this.order;
    if (timeoutMs === null || this.#timeout) return;
    const atMs = (this.#startedMs ?? 0) + timeoutMs;
    const wait = () => {
      const leftMs = atMs - readClock().monoMs;
      if (leftMs <= 0) this.#end({reason: 'timed-out', timeoutMs});
      else this.#timeout = setTimeout(wait, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
    };
    wait();
  }

  #take(chunk: Buffer, output: OutputFile | null): void {
    const logged = this.#log.write(chunk);
    if (!logged.ok) this.#end(logged.failure);
    const kept = this.#ending ? null : output?.write(chunk);
    if (kept?.ok === false) this.#end(kept.failure);
    this.#means.onOutput();
  }

  #end(failure: Failure): void {
    if (this.#ending || this.#state.name === 'over') return;
    this.#ending = failure;
    if (this.#state.name === 'running') this.#state.group.end(this.#means.limits.killGraceMs);
  }

  /**
   * Most programs leave nothing: their output is closed and their group is empty. Only otherwise, and when it went
   * wrong (somebody will do this task again), is the whole machine searched for what they left before we go on.
   */
  async #settle(group: ProcessGroup, {exitCode}: Exit): Promise<void> {
    const drained = await within(DRAIN_MS, group.drained);
    const left = group.signal(0);
    if (drained && !left && exitCode === 0 && !this.#ending) return;
    if (left) group.signal('SIGTERM');
    await this.#means.sweeper.sweep(this.#cookie);
    // What is left now has hidden its cookie.
    group.signal('SIGKILL');
    if (!drained && !(await within(DRAIN_MS, group.drained))) group.abandonOutput();
  }

  #exitFailure(step: 'run' | 'verify', {exitCode, signal}: Exit): Failure {
    const facts = {exitCode, signal, tail: this.#log.tail};
    return step === 'run' ? {reason: 'command-failed', ...facts} : {reason: 'verify-failed', ...facts};
  }

  /** What a shell would say in its place: 127 for a command that is not there, 126 for one that cannot be run. */
  #startFailure(step: 'run' | 'verify', {file}: Command, {code, detail}: StartFailure): Failure {
    const command = file.slice(0, 1000);
    const folderProblem = this.#folderProblem();
    if (folderProblem !== null) return {reason: 'spawn-failed', command, code, detail: shortened(folderProblem)};
    if (code !== 'ENOENT' && code !== 'EACCES')
      return {reason: 'spawn-failed', command, code, detail: shortened(detail)};
    const noted = this.#log.note(code === 'ENOENT' ? `${file}: command not found` : `${file}: permission denied`);
    return noted.ok ? this.#exitFailure(step, {exitCode: code === 'ENOENT' ? 127 : 126, signal: null}) : noted.failure;
  }

  #folderProblem(): string | null {
    const {cwd} = this.order;
    try {
      if (!statSync(cwd).isDirectory()) return `the working directory ${cwd} is a file`;
      accessSync(cwd, constants.X_OK);
      return null;
    } catch {
      return `the working directory ${cwd} does not exist or cannot be entered`;
    }
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
