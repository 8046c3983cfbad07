import {join} from 'node:path';
import {type Result, fail, ok} from '../base/result.ts';
import {NO_AGENT_SETTINGS} from '../model/agent-settings.ts';
import type {AttemptOutcome, Verdict} from '../model/attempt.ts';
import {failureOf, type Failure, type StopReason} from '../model/failure.ts';
import {providerOf} from '../model/provider.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {cookieOf} from '../os/stray-processes.ts';
import type {Runtime} from '../runtimes/runtime.ts';
import type {AttemptOrder, HostLimits, PromptWork, Report, TeamOpening} from '../wire/host-protocol.ts';
import type {AgentStep} from './agent-step.ts';
import {AttemptClock} from './attempt-clock.ts';
import {attemptEnvironment, grantedSecrets, inputsFolderOf} from './attempt-environment.ts';
import {AttemptLog} from './attempt-log.ts';
import type {AttemptWorktree, WorktreeOrder} from './attempt-worktree.ts';
import type {EdgeBreakers} from './edge-breakers.ts';
import {Ending} from './ending.ts';
import type {Evidence} from './evidence.ts';
import {makeInputsFolder, removeFolder} from './inputs-folder.ts';
import {OutputFile} from './output-file.ts';
import {OutputLog} from './output-log.ts';
import {type ProgramMeans, ProgramRunner} from './program-runner.ts';
import type {Redaction} from './redaction.ts';
import {reportable} from './reportable.ts';
import {runScript, type StepMeans} from './script-step.ts';
import {AttemptLife} from './watch/attempt-life.ts';
import type {AttemptWatch} from './watch/attempt-watch.ts';
import type {DiskUse} from './watch/disk-use.ts';
import type {Worktrees} from './worktrees.ts';

/** What an attempt uses of its host. */
export interface AttemptMeans extends ProgramMeans {
  readonly team: TeamOpening;
  readonly runtime: Runtime;
  readonly hostId: string;
  readonly storeId: string;
  readonly limits: HostLimits;
  readonly worktrees: Worktrees;
  readonly breakers: EdgeBreakers;
  readonly redaction: Redaction;
  readonly watch: AttemptWatch;
  readonly disk: DiskUse;
  readonly report: (report: Report) => void;
  readonly onOutput: () => void;
}

/**
 * One attempt from its order to its outcome. Whatever happens, `run` resolves, and no process of it is left then.
 *
 *     worktree ──► work ──► save ──► evidence ──► verify ──► commit output ──► clean up ──► over ──► closed
 *         │          │        │          │           │             │             ▲
 *         └──────────┴────────┴──────────┴───────────┴─────────────┴─────────────┘ the first failure, or a stop
 *
 * work: a script or a coding agent. save: only with a worktree, and then in any case. closed: the worktree is free again.
 */
export class Attempt {
  readonly order: AttemptOrder;
  readonly #means: AttemptMeans;
  readonly #cookie: string;
  readonly #ending = new Ending();
  readonly #clock: AttemptClock;
  readonly #life: AttemptLife;
  readonly #step: StepMeans;
  readonly #output: OutputFile | null;
  #worktree: AttemptWorktree | undefined;
  #agent: AgentStep | undefined;
  #verdict: Verdict | null = null;
  #warnings: readonly string[] = [];
  readonly #limitWarnings: string[] = [];
  #forgetDisk: (() => void) | undefined;

  constructor(order: AttemptOrder, means: AttemptMeans) {
    this.order = order;
    this.#means = means;
    const {team, storeId, limits, redaction, onOutput} = means;
    const ending = this.#ending;
    this.#cookie = cookieOf(storeId, order.attempt);
    this.#clock = new AttemptClock(order.timeoutMs, timeoutMs => ending.begin({reason: 'timed-out', timeoutMs}));
    const log = new OutputLog({file: join(team.folder, order.logFile), capBytes: limits.logCapBytes});
    const attemptLog = new AttemptLog({log, redaction, ending, onOutput});
    this.#life = new AttemptLife({
      attempt: order.attempt,
      cookie: this.#cookie,
      limits: order.limits ?? {},
      ending,
      clock: this.#clock,
      watch: means.watch,
      warn: text => {
        attemptLog.note(text);
        this.#limitWarnings.push(text);
      },
    });
    this.#step = {
      ending,
      log: attemptLog,
      programs: new ProgramRunner({
        means,
        ending,
        cookie: this.#cookie,
        clock: this.#clock,
        life: this.#life,
        umask: team.umask,
        killGraceMs: limits.killGraceMs,
        thorough: order.workspace !== undefined,
      }),
    };
    const {outputs, outputFile, claimFile} = order;
    this.#output =
      outputs === null || outputFile === null
        ? null
        : new OutputFile({
            file: join(team.folder, outputFile),
            kind: outputs,
            capBytes: limits.outputCapBytes,
            ...(claimFile !== undefined && {race: {claim: join(team.folder, claimFile), number: order.number}}),
          });
  }

  get lastLine(): string | null {
    return this.#step.log.lastLine;
  }

  /** Resolves when its outcome is certain. `close` must be called then. */
  async run(): Promise<AttemptOutcome> {
    const result = await this.#steps().catch((error: unknown) => fail(unexpected(error)));
    const work = await this.#worktree?.save();
    await this.#cleanUp();
    const unsaved = work?.ok === false ? [unsavedText(work.failure, this.#worktree?.folder ?? '')] : [];
    const warnings = [...this.#limitWarnings, ...this.#warnings, ...(this.#agent?.warnings ?? []), ...unsaved];
    const outcome: AttemptOutcome = {
      result: result.ok ? {ok: true} : result,
      durationMs: this.#clock.durationMs,
      usage: {...UNKNOWN_USAGE, ...this.#agent?.usage, ...this.#step.programs.usage},
      outputBytes: result.ok ? result.value : null,
      ...(work && {work: work.ok ? work.value : null}),
      ...(warnings.length > 0 && {warnings}),
      ...(this.#verdict && {verdict: this.#verdict}),
    };
    return reportable(outcome, this.#means.redaction);
  }

  /** Gives back what nobody has to wait for. */
  async close(): Promise<void> {
    if (this.#worktree) await this.#means.worktrees.giveBack(this.#worktree);
  }

  get isPaused(): boolean {
    return this.#life.pause.isPaused;
  }

  /** Holds it, also before it has started, or lets it go on. */
  setPaused(isPaused: boolean): void {
    this.#life.setPaused(isPaused);
  }

  /** Ends it, now or as soon as it has started. `run` resolves when it is over. */
  stop(by: StopReason): void {
    this.#ending.begin({reason: 'stopped', by});
  }

  /** Returns the bytes of the declared output. */
  async #steps(): Promise<Result<number | null, Failure>> {
    const {order} = this;
    const {team} = this.#means;
    await makeInputsFolder(inputsFolderOf(order, team), {teamFolder: team.folder, inputs: order.inputs});
    const cwd = await this.#enter();
    if (!cwd.ok) return cwd;
    const {work} = order;
    const done = await (work.kind === 'prompt' ? this.#prompt(work, cwd.value) : this.#script(work.script, cwd.value));
    // Before anything is judged, and before `verify` leaves things behind that are no part of the work.
    const saved = await this.#worktree?.save();
    if (!done.ok) return done;
    if (saved?.ok === false) return saved;
    const judged = await this.#judge(done.value);
    if (!judged.ok) return judged;
    const verified = await this.#verify(cwd.value);
    if (!verified.ok) return verified;
    if (this.#ending.failure) return fail(this.#ending.failure);
    return this.#output ? this.#output.commit() : ok(null);
  }

  /** Returns the folder to work in. */
  async #enter(): Promise<Result<string, Failure>> {
    const {order} = this;
    const {worktrees, team} = this.#means;
    if (!hasWorkspace(order)) return ok(order.cwd);
    const settings = (team.agentSettings ?? NO_AGENT_SETTINGS).workspace;
    const acquired = await worktrees.acquire(order, {settings, ending: this.#ending});
    if (!acquired.ok) return acquired;
    this.#worktree = acquired.value;
    this.#watchDisk(acquired.value.folder);
    return acquired.value.enter();
  }

  #watchDisk(folder: string): void {
    const limitBytes = this.order.limits?.diskBytes;
    if (limitBytes === undefined) return;
    this.#forgetDisk = this.#means.disk.watch(folder, usedBytes => {
      if (usedBytes > limitBytes) this.#ending.begin({reason: 'disk-exceeded', limitBytes, usedBytes});
    });
  }

  async #script(script: string, cwd: string): Promise<Result<Evidence['agent'], Failure>> {
    const command = this.#means.runtime.commandFor(script);
    const env = this.#env(cwd, 'all');
    const run = await runScript({step: 'run', command, cwd, env, output: this.#output}, this.#step);
    if (!run.ok) return run;
    const checked = this.#output?.check() ?? ok(undefined);
    return checked.ok ? ok(null) : checked;
  }

  #prompt(work: PromptWork, cwd: string): Promise<Result<Evidence['agent'], Failure>> {
    const {breakers, report} = this.#means;
    const names = {runtime: work.runtime, provider: providerOf(work.runtime, work.model)};
    return breakers.guard(names, heard => {
      const reportToo = (said: Report) => {
        heard(said);
        report(said);
      };
      return this.#ask(work, cwd, reportToo);
    });
  }

  async #ask(
    work: PromptWork,
    cwd: string,
    report: (report: Report) => void,
  ): Promise<Result<Evidence['agent'], Failure>> {
    const {team, limits} = this.#means;
    // Loaded when it is needed: a small process forks faster.
    const {prepareAgent} = await import('./agent-work.ts');
    const agent = await prepareAgent({
      ...this.#step,
      order: this.order,
      work,
      team,
      cwd,
      folder: this.#worktree?.folder ?? cwd,
      envWith: secrets => this.#env(cwd, secrets),
      killGraceMs: limits.killGraceMs,
      report,
    });
    if (!agent.ok) return agent;
    this.#agent = agent.value;
    const answer = await agent.value.run();
    return answer.ok ? ok({runtime: work.runtime, ...answer.value}) : answer;
  }

  async #judge(agent: Evidence['agent']): Promise<Result<void, Failure>> {
    const {work, workspace, outputs} = this.order;
    if (agent === null && workspace === undefined) return ok(undefined);
    const change = (await this.#worktree?.change()) ?? ok(null);
    if (!change.ok) return change;
    const {judge} = await import('./evidence.ts');
    const judged = judge(
      {agent, change: change.value},
      {
        outputs: this.#output ? outputs : null,
        isReview: work.kind === 'prompt' && work.isReview,
        change: workspace?.change ?? 'optional',
        touches: workspace?.touches ?? null,
      },
    );
    if (!judged.ok) return judged;
    this.#verdict = judged.value.verdict;
    this.#warnings = judged.value.warnings;
    const {output} = judged.value;
    return output === null || !this.#output ? ok(undefined) : this.#output.write(Buffer.from(output));
  }

  async #verify(cwd: string): Promise<Result<void, Failure>> {
    const {order} = this;
    if (order.verify === null) return ok(undefined);
    this.#means.report({type: 'attempt-verifying', attempt: order.attempt});
    const command = this.#means.runtime.commandFor(order.verify);
    // It runs what an agent has written, so it gets no more secrets than people have given to agents.
    const env = this.#env(cwd, order.work.kind === 'command' ? 'all' : grantedSecrets(this.#means.team));
    return runScript({step: 'verify', command, cwd, env, output: null}, this.#step);
  }

  async #cleanUp(): Promise<void> {
    const {team, sweeper} = this.#means;
    this.#clock.stop();
    this.#forgetDisk?.();
    this.#life.close();
    this.#output?.discard();
    this.#step.log.close();
    if (this.order.inputs.length > 0) await removeFolder(inputsFolderOf(this.order, team));
    if (this.#agent) await removeFolder(this.#agent.scratch);
    if (this.#clock.hasStarted) sweeper.sweepSoon(this.#cookie);
  }

  #env(cwd: string, secrets: 'all' | readonly string[]): Record<string, string> {
    const {team, hostId} = this.#means;
    return attemptEnvironment(this.order, {team, hostId, cookie: this.#cookie, cwd, secrets});
  }
}

function hasWorkspace(order: AttemptOrder): order is WorktreeOrder {
  return order.workspace !== undefined;
}

function unexpected(error: unknown): Failure {
  const failure = failureOf(error);
  if (failure.reason !== 'unexpected') return failure;
  return {reason: 'unexpected', message: (failure.stack ?? failure.message).slice(0, 2000)};
}

function unsavedText(failure: Failure, folder: string): string {
  return `what it has changed could not be saved and is still in ${folder}: ${'detail' in failure ? failure.detail : failure.reason}`;
}
