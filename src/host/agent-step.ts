import {type Result, fail, ok} from '../base/result.ts';
import {never} from '../base/never.ts';
import type {SessionMark} from '../model/attempt.ts';
import {failureOf, type Failure} from '../model/failure.ts';
import {providerOf, type ProviderSignal} from '../model/provider.ts';
import type {
  Activity,
  AgentError,
  AgentEvents,
  AgentResult,
  AgentRun,
  AgentRuntime,
  AgentUsage,
} from '../runtimes/agent-runtime.ts';
import type {PromptWork} from '../wire/host-protocol.ts';
import {activityLine} from './activity-line.ts';
import {AgentSpending} from './agent-spending.ts';
import {shortened} from './file-failure.ts';
import type {Exit, ProcessGroup, StartFailure} from './process-group.ts';
import {ProviderStanding} from './provider-standing.ts';
import {type StepMeans, startFailureOf} from './script-step.ts';

/** How long an agent that can be asked to stop may take before signals follow. */
const CANCEL_MS = 1000;
/** How long one that is done may take to end by itself. */
const STAY_MS = 250;
const MAX_SESSION_CHARACTERS = 1000;

export interface AgentStepOptions extends StepMeans {
  readonly attempt: number;
  readonly work: PromptWork;
  readonly runtime: AgentRuntime;
  /** Where it starts, and the root of its worktree. */
  readonly cwd: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly resume: string | null;
  readonly allow: readonly string[];
  readonly readOnly: boolean;
  /** An empty folder that is removed afterwards. */
  readonly scratch: string;
  readonly killGraceMs: number;
  readonly onSession: (session: SessionMark) => void;
  readonly onSignal: (signal: ProviderSignal) => void;
}

/** What an agent that says it has succeeded has left to be judged. */
export type AgentAnswer = Pick<AgentResult, 'text' | 'denied'>;

/**
 * Has a coding agent do one prompt: starts its CLI, feeds what that says to its runtime, writes what it does into the log,
 * and ends it when it has used what it may. Used once.
 */
export class AgentStep {
  readonly #options: AgentStepOptions;
  readonly #spending: AgentSpending;
  readonly #standing: ProviderStanding;
  readonly #warnings: string[] = [];
  readonly #sessions = new Set<string>();
  #run: AgentRun | undefined;
  #group: ProcessGroup | undefined;
  /** What it was to be sent before it had started. */
  #unsent = '';
  /** Somebody has asked it to end: it is done, or has used too much. */
  #over: 'no' | 'done' | 'over-cap' = 'no';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AgentStepOptions) {
    this.#options = options;
    const {work, onSignal} = options;
    this.#spending = new AgentSpending(work.cap);
    this.#standing = new ProviderStanding(providerOf(work.runtime, work.model), onSignal);
  }

  /** Known also when it has failed, as far as it was seen. */
  get usage(): AgentUsage {
    return this.#spending.usage;
  }

  get scratch(): string {
    return this.#options.scratch;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  async run(): Promise<Result<AgentAnswer, Failure>> {
    const {work, runtime, cwd, env, resume, allow, readOnly, scratch, programs, log, ending} = this.#options;
    const {prompt, model} = work;
    const request = {prompt, model, cwd, env, resume, allow, readOnly, maxUsd: work.cap.usd, scratch};
    const run = runtime.begin(request, this.#events());
    this.#run = run;
    const stderr = log.stream();
    const started = await programs.run({
      file: run.file,
      args: run.args,
      cwd,
      env: {...env, ...run.env},
      stdin: run.stdin,
      onStdout: chunk => this.#guarded(() => run.stdout(chunk)),
      onStderr: chunk => {
        stderr.write(chunk);
        this.#guarded(() => run.stderr(chunk));
      },
      onStarted: group => this.#started(group),
      end: group => this.#cancel(group),
    });
    clearTimeout(this.#timer);
    stderr.end();
    if (!started.ok) return fail(ending.failure ?? (await this.#notStarted(run.file, started.failure)));
    return this.#result(run, started.value);
  }

  #events(): AgentEvents {
    return {
      activity: activity => this.#guarded(() => this.#seen(activity)),
      send: text => {
        if (this.#group) this.#group.write(text);
        else this.#unsent += text;
      },
      done: () => this.#done(),
    };
  }

  #started(group: ProcessGroup): void {
    this.#group = group;
    if (this.#unsent !== '') group.write(this.#unsent);
    this.#unsent = '';
    if (this.#over === 'done') this.#letGo(group);
  }

  #seen(activity: Activity): void {
    const {log} = this.#options;
    const line = activityLine(activity);
    if (line !== null) log.line(line);
    switch (activity.kind) {
      case 'session':
        return this.#session(activity.id);
      case 'message':
        return this.#standing.answered();
      case 'usage':
        this.#standing.answered();
        return this.#used(activity.usage);
      case 'retry':
        if (activity.cause !== 'other') this.#standing.refused(activity.cause, positive(activity.delayMs));
        return;
      case 'tool':
      case 'edit':
      case 'permission':
      case 'noise':
        return;
      default:
        return never(activity);
    }
  }

  #session(id: string): void {
    const {attempt, work, folder, onSession} = this.#options;
    if (id === '' || id.length > MAX_SESSION_CHARACTERS || this.#sessions.has(id)) return;
    this.#sessions.add(id);
    onSession({attempt, runtime: work.runtime, session: id, folder});
  }

  #used(usage: AgentUsage): void {
    this.#spending.used(usage);
    if (!this.#spending.isOverCap || this.#over !== 'no') return;
    this.#over = 'over-cap';
    this.#options.log.note('it has used what it may and is stopped');
    if (this.#group) this.#cancel(this.#group);
  }

  #done(): void {
    if (this.#over !== 'no') return;
    this.#over = 'done';
    if (this.#group) this.#letGo(this.#group);
  }

  /** Most programs end when nothing more can come. */
  #letGo(group: ProcessGroup): void {
    group.endInput();
    this.#endAfter(STAY_MS, group);
  }

  /** Asked in its own way first, where it has one: so it can keep its session in order. */
  #cancel(group: ProcessGroup): void {
    const {killGraceMs} = this.#options;
    const run = this.#run;
    if (!run?.cancel) return group.end(killGraceMs);
    this.#guarded(() => run.cancel?.());
    this.#endAfter(Math.min(CANCEL_MS, killGraceMs), group);
  }

  #endAfter(ms: number, group: ProcessGroup): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => group.end(this.#options.killGraceMs), ms);
  }

  #result(run: AgentRun, exit: Exit): Result<AgentAnswer, Failure> {
    const {ending, work} = this.#options;
    let ended: AgentResult | undefined;
    this.#guarded(() => {
      ended = run.ended(exit);
    });
    if (ended) this.#spending.used(ended.usage);
    if (ending.failure) return fail(ending.failure);
    if (!ended) return fail({reason: 'unexpected', message: `${work.runtime} gave no result`});
    const {isOverCap} = this.#spending;
    if (!ended.result.ok) {
      return fail(isOverCap ? overCap(work) : this.#failureOf(ended.result.error, exit));
    }
    // What is paid for and complete is not thrown away.
    if (isOverCap) this.#warnings.push('it has used more than one attempt of it may');
    return ok({text: ended.text, denied: ended.denied});
  }

  #failureOf(error: AgentError, {exitCode}: Exit): Failure {
    const {runtime, model} = this.#options.work;
    const detail = shortened(error.detail);
    switch (error.kind) {
      case 'throttled':
      case 'quota':
      case 'overloaded': {
        const provider = providerOf(runtime, model);
        return {
          reason: 'provider-limited',
          provider,
          kind: error.kind,
          retryAfterMs: positive(error.retryAfterMs),
          detail,
        };
      }
      case 'auth':
      case 'refused':
      case 'permission-denied':
      case 'context-too-long':
      case 'bad-output':
      case 'crashed':
        return {reason: 'agent-error', runtime, kind: error.kind, detail, exitCode};
      default:
        return never(error);
    }
  }

  async #notStarted(file: string, failure: StartFailure): Promise<Failure> {
    const {runtime, env, cwd} = this.#options;
    const failed = startFailureOf(file, cwd, failure);
    if (failure.code !== 'ENOENT' || failed.detail !== shortened(failure.detail)) return failed;
    const detection = await runtime.detect(env);
    if (detection.found) return failed;
    const {detail, hint} = detection;
    return {reason: 'runtime-missing', runtime: runtime.name, detail: shortened(detail), hint: shortened(hint)};
  }

  /** A runtime that cannot take what its CLI says fails this attempt and no other. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      const failure = failureOf(error);
      this.#options.ending.begin(
        failure.reason === 'unexpected' ? {reason: 'unexpected', message: failure.message.slice(0, 2000)} : failure,
      );
    }
  }
}

function overCap({cap}: PromptWork): Failure {
  return {reason: 'over-cap', capUsd: cap.usd, capTokens: cap.tokens};
}

function positive(ms: number | null): number | null {
  return ms !== null && Number.isFinite(ms) && ms >= 0 ? ms : null;
}
