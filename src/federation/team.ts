import type {Now} from '../base/clock.ts';
import type {JsonValue} from '../base/json.ts';
import type {Random} from '../base/random.ts';
import type {Result} from '../base/result.ts';
import type {AttemptOutcome, SessionMark} from '../model/attempt.ts';
import {type GrowingTotals, NO_TOTALS, noteEnded} from '../model/attempt-totals.ts';
import type {GrowthLimit, TeamSettings} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';
import type {SelectionWhy} from '../model/explanation.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {AttemptId, HostId, TeamId} from '../model/ids.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {Plan} from '../model/plan.ts';
import type {NewTask} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {groupsOf, type TeamSpec, type TeamState, withPlan} from '../model/team.ts';
import type {TeamRepository} from '../model/work.ts';
import type {Agent} from './agent.ts';
import {Landing, type TaskHands} from './landing.ts';
import {showsUse} from './learned-use.ts';
import {withNewIds} from './plan-change.ts';
import {ReadyQueue} from './ready-queue.ts';
import {countersOf, isNoFault, Retries, type RetriesOptions, type RetryPolicy} from './retries.ts';
import {TaskDurations} from './task-durations.ts';
import {buildTaskGraph} from './task-graph.ts';
import type {TaskNode} from './task-node.ts';
import {TaskProgress} from './task-progress.ts';
import type {TaskTally} from './task-tally.ts';
import {TeamAgents} from './team-agents.ts';
import {TeamSelection} from './team-selection.ts';
import {TeamTwins} from './team-twins.ts';
import {TeamBudget} from './team-budget.ts';
import {rulesOf} from './ejection-rules.ts';
import {settingsOf} from './team-settings.ts';
import {type TeamTimer, usedMs} from './team-timer.ts';
import {warningsOf} from './team-warnings.ts';
import type {Turn} from './turn.ts';

/** An attempt that has been leased and has not ended: the task is this agent's until the host says how it went. */
export interface Attempt {
  readonly id: AttemptId;
  readonly team: Team;
  readonly task: TaskNode;
  readonly agent: Agent;
  readonly host: HostId;
  readonly number: number;
  readonly leasedAt: Now;
  /** Absent for a command. */
  readonly means?: AttemptMeans | undefined;
  /** Where its agent's conversation can be taken up again. */
  session: SessionMark | null;
  /** Set once it has been asked to stop; the first reason stays. */
  stopping: StopReason | null;
  /** Its host has been told to hold it. */
  isHeld: boolean;
  /** The attempt beside which it was started; null: it was the only one. */
  readonly twinOf: AttemptId | null;
  /** The number of the first of the two, its own if it is that: of those with the same one only one can put out a result. */
  readonly race: number;
  /** The other one has succeeded: nothing comes of this one any more. */
  hasLost: boolean;
  /** Another one has been started beside it. */
  hasTwin: boolean;
  /** Since when it has run without being held (monotonic). */
  runsSinceMs: number;
}

/** What an attempt is started with. */
export interface Lease extends Pick<Attempt, 'id' | 'task' | 'agent' | 'host' | 'means'> {
  readonly why: SelectionWhy;
  /** The open attempt at the task that is to have a second one. */
  readonly beside?: Attempt | null;
}

/** Tasks of a round that are named in its event. */
const MAX_NAMED = 20;

/** A plan for a team that has nothing to do, and what comes with it. */
interface AddedPlan {
  readonly plan: Plan;
  readonly secretNames: readonly string[];
  readonly repository?: TeamRepository;
  readonly warnings?: readonly string[];
}

export interface TeamOptions {
  readonly id: TeamId;
  readonly spec: TeamSpec;
  readonly startedAt: Now;
  readonly tasks: readonly TaskNode[];
  /** Absent: so if it has no plan. */
  readonly isStandby?: boolean;
  readonly policy: RetryPolicy;
  readonly random: Random;
}

/**
 * A team that is not over: its attempts, its clock and settings, and through its parts all that becomes of its tasks. Every change
 * is recorded in the turn that makes it. It knows nothing of hosts and permits; the engine decides when a task may start and where.
 */
export class Team {
  readonly id: TeamId;
  /** With the plans that were added. */
  spec: TeamSpec;
  /** It is over only when it has been ended. */
  readonly isStandby: boolean;
  startedAt: Now;
  readonly progress: TaskProgress;
  readonly tasks: readonly TaskNode[];
  readonly agents: TeamAgents;
  readonly selection: TeamSelection;
  readonly attempts = new Map<AttemptId, Attempt>();
  readonly tally: TaskTally;
  readonly totals: GrowingTotals = {...NO_TOTALS};
  readonly retries: Retries;
  readonly budget: TeamBudget;
  /** What its tasks take, as long as that decides how many agents it has. */
  readonly durations = new TaskDurations();
  readonly ready: ReadyQueue;
  readonly landing: Landing;
  readonly twins = new TeamTwins<Attempt>();
  /** What keeps it from having more agents though it scales by itself and tasks wait, see `TeamScaler`. */
  growthLimit: GrowthLimit | null = null;
  warnings: readonly string[];
  state: TeamState;
  timer: TeamTimer;
  ending: StopReason | null = null;
  announcedReady = false;
  /** Why it starts nothing, as its attempts use too much together; null: they do not. */
  overload: string | null = null;
  /** Why it is ended early, as a sentence. */
  endedBecause: string | null = null;

  #settings: TeamSettings;
  readonly #bootId: string;

  constructor({id, spec, startedAt, tasks, isStandby = spec.plan === null, policy, random}: TeamOptions) {
    this.id = id;
    this.spec = spec;
    this.isStandby = isStandby;
    this.startedAt = startedAt;
    const groups = groupsOf(spec);
    this.#settings = settingsOf(spec);
    this.agents = new TeamAgents(spec.name, groups, {strategy: this.settings.strategy, random});
    this.settings = this.#settings;
    this.selection = new TeamSelection(this.agents, this.settings.strategy);
    this.ready = new ReadyQueue(groups, spec.plan?.escalate);
    this.progress = new TaskProgress({
      teamId: id,
      ready: this.ready,
      ending: () => this.ending,
      keepsBack: task => this.twins.keepsBack(task),
      waitsForReview: task => this.landing.isReviewer(task),
      concluded: (turn, task) => this.landing.concluded(turn, task),
    });
    this.progress.adopt(tasks);
    this.tasks = this.progress.tasks;
    this.tally = this.progress.tally;
    this.budget = new TeamBudget(spec.budget, policy.firstCap);
    this.timer = {usedMs: 0, since: startedAt};
    this.state = spec.plan ? 'running' : 'idle';
    this.warnings = warningsOf(spec);
    this.#bootId = policy.bootId;
    const hands = this.#hands();
    const emit: RetriesOptions['emit'] = (turn, body) => turn.emit(id, body);
    this.retries = new Retries({policy, random, hands, emit, escalate: () => this.spec.plan?.escalate});
    this.landing = new Landing({
      hands,
      branch: () => this.spec.repository?.branch ?? '',
      mergeEffect: (turn, {seq, id: taskId, spec: asked, item}, {attempt, work, credits}) => {
        const request = {teamId: id, task: seq, taskId, attempt, work, credits, spec: asked, item};
        turn.effect({type: 'merge', request});
      },
      emit,
      maxConflicts: policy.maxConflicts,
    });
  }

  #hands(): TaskHands {
    const {progress} = this;
    const ending = () => this.ending;
    return {
      tasks: this.tasks,
      enter: (turn, task, state) => progress.enter(turn, task, state),
      again: (turn, task) => progress.again(turn, task),
      conclude: (turn, task, state) => progress.conclude(turn, task, state),
      fail: (turn, task, attempt, failure) => this.retries.failed(turn, task, {attempt, failure}),
      succeed: (turn, task, attempt, durationMs) => {
        turn.emit(this.id, {type: 'task-succeeded', task: task.id, attempt, durationMs});
        progress.conclude(turn, task, {name: 'succeeded'});
      },
      get ending() {
        return ending();
      },
    };
  }

  get settings(): TeamSettings {
    return this.#settings;
  }

  set settings(settings: TeamSettings) {
    this.#settings = settings;
    this.agents.selector.judgeBy(rulesOf(settings.ejection ?? DEFAULT_EJECTION));
  }

  get running(): number {
    return this.attempts.size;
  }

  /** Nothing of it starts, and what runs is held. */
  get isPaused(): boolean {
    return this.settings.paused && this.ending === null;
  }

  /** What is left of its time, 0 when it is over; null: there is no limit. */
  timeLeftMs(now: Now): number | null {
    const {timeoutMs} = this.spec;
    return timeoutMs === null ? null : Math.max(0, timeoutMs - usedMs(this.timer, now));
  }

  /** It has a ready task and a free agent; perhaps not for each other. */
  get canStart(): boolean {
    return this.ending === null && !this.settings.paused && this.ready.size > 0 && this.agents.freeInAll > 0;
  }

  /** It has tasks to start, and nothing of it runs or will happen by itself. */
  get isStill(): boolean {
    const {merging, 'backing-off': backingOff} = this.tally.counts;
    const open = this.attempts.size + merging + backingOff + this.agents.count('starting');
    return this.ending === null && !this.settings.paused && this.ready.size > 0 && open === 0;
  }

  /** Ready tasks that wait only for an agent or a permit. */
  get queued(): number {
    return this.ready.size;
  }

  /** Everything is over and nothing runs. An idle team is over only when it has been ended. */
  get isOver(): boolean {
    if (this.attempts.size > 0 || this.tally.counts.merging > 0) return false;
    return this.ending !== null ? true : !this.isStandby && this.tally.open === 0;
  }

  /** Says once when no agent is starting any more. */
  announceReady(turn: Turn): void {
    if (this.announcedReady || this.agents.count('starting') > 0) return;
    this.announcedReady = true;
    turn.emit(this.id, {type: 'team-ready', agents: this.agents.count('idle') + this.agents.count('busy')});
  }

  /** Lets every task go whose needs are over: all that have none, at the start; all that became free, after a restart. */
  begin(turn: Turn): void {
    this.landing.resume(turn);
    this.progress.letGo(turn, [...this.tasks]);
  }

  /** More to do, and the names of variables with secret values. It has nothing else to do. */
  addPlan(turn: Turn, {plan: added, secretNames, repository, warnings = []}: AddedPlan): void {
    const known = new Set(this.tasks.map(({id}) => id));
    const plan = withNewIds(added, id => known.has(id));
    const firstIndex = this.spec.plan?.tasks.length ?? 0;
    const ahead = this.tasks.length - firstIndex;
    const rows = buildTaskGraph(plan, {firstIndex, seqOf: index => ahead + index});
    const record = {plan, secretNames, ...(repository ? {repository} : {})};
    this.spec = withPlan(this.spec, record);
    this.progress.adopt(rows);
    this.landing.adopt(rows);
    this.ready.escalateBy(this.spec.plan?.escalate);
    turn.record({kind: 'plan-added', teamId: this.id, ...record});
    turn.record({kind: 'tasks-created', teamId: this.id, tasks: rows.map(newTask)});
    turn.emit(this.id, {type: 'plan-added', plan: plan.name, tasks: rows.length});
    const before = this.warnings;
    this.warnings = [...warnings, ...warningsOf(this.spec)];
    for (const text of this.warnings) if (!before.includes(text)) turn.emit(this.id, {type: 'team-warning', text});
    this.becomes(turn);
    this.progress.letGo(turn, rows);
  }

  /** These tasks, which are over, go again. */
  beginRound(turn: Turn, tasks: readonly TaskNode[]): void {
    const groups = new Set(tasks.flatMap(({group}) => group ?? []));
    for (const group of groups) if (isTerminal(group.state.name)) this.#reopen(turn, group, 'expanded');
    for (const task of tasks) this.#reopen(turn, task, 'waiting');
    const first = tasks.slice(0, MAX_NAMED).map(({id}) => id);
    turn.emit(this.id, {type: 'round-begun', tasks: tasks.length, first});
    this.becomes(turn);
    this.progress.beginRound(turn, tasks);
  }

  #reopen(turn: Turn, task: TaskNode, name: 'expanded' | 'waiting'): void {
    this.retries.forget(task);
    this.landing.forget(task);
    this.progress.reopen(turn, task, {name});
  }

  /** Records the lease. The caller has made sure of the agent and of whatever it needs. */
  lease(turn: Turn, {id, task, agent, host, means, why, beside = null}: Lease): Attempt {
    const number = task.attempts + 1;
    const attempt: Attempt = {
      id,
      team: this,
      task,
      agent,
      host,
      number,
      leasedAt: turn.now,
      means,
      session: null,
      stopping: null,
      isHeld: false,
      twinOf: beside?.id ?? null,
      race: beside?.race ?? number,
      hasLost: false,
      hasTwin: false,
      runsSinceMs: turn.now.monoMs,
    };
    this.hold(attempt);
    this.totals.attempts += 1;
    const facts = {id, teamId: this.id, task: task.seq, number, agentId: agent.id, hostId: host};
    const twin = beside ? {twinOf: beside.id} : {};
    turn.record({kind: 'attempt-leased', ...facts, atMs: turn.now.wallMs, ...(means ? {means} : {}), ...twin});
    turn.emit(this.id, {type: 'attempt-leased', task: task.id, attempt: id, number, agent: agent.id, host, why});
    return attempt;
  }

  /** Takes over an open attempt, new or found in the store. */
  hold(attempt: Attempt): void {
    const {id, task, number, means} = attempt;
    const first = this.#atWork(task);
    this.attempts.set(id, attempt);
    task.attempts = Math.max(task.attempts, number);
    if (means) this.budget.reserve(means.cap);
    if (task.group?.members) task.group.members.running += 1;
    this.twins.started(attempt);
    if (this.twins.mayRunTwice(task, this.spec)) this.twins.wake();
    if (attempt.hasLost) return this.twins.join(attempt);
    if (!first) return this.progress.work(task, 'running', id);
    first.hasTwin = true;
    this.twins.join(first, attempt);
  }

  /** The open attempt that decides what becomes of the task, the first of two. */
  #atWork({state}: TaskNode): Attempt | undefined {
    return state.name === 'running' || state.name === 'verifying' ? this.attempts.get(state.attempt) : undefined;
  }

  verifying(attempt: Attempt): void {
    if (attempt.hasLost) return;
    if (attempt.task.state.name === 'running') this.progress.work(attempt.task, 'verifying', attempt.id);
  }

  /** The conversation of the attempt's agent can be taken up again, should the attempt be lost. */
  noteSession(turn: Turn, attempt: Attempt, session: SessionMark): void {
    attempt.session = session;
    turn.record({kind: 'attempt-session', id: attempt.id, session});
  }

  /** The attempt has ended with this outcome. Returns when to try again (monotonic), if that is what follows. */
  finish(turn: Turn, attempt: Attempt, outcome: AttemptOutcome): number | null {
    turn.record({kind: 'attempt-ended', id: attempt.id, outcome, atMs: turn.now.wallMs});
    const rival = this.twins.rivalOf(attempt);
    const {task, id} = attempt;
    const {result} = outcome;
    if (result.ok && rival) rival.hasLost = true;
    this.#drop(attempt, outcome);
    for (const text of outcome.warnings ?? []) {
      turn.emit(this.id, {type: 'attempt-warning', task: task.id, attempt: id, text});
    }
    if (attempt.hasLost) return this.#cleared(task);
    if (!result.ok && rival) return this.#goOn(turn, {attempt, rival, failure: result.failure});
    if (result.ok) {
      this.learnDuration(task, outcome.durationMs);
      task.memo = countersOf(task.memo);
      return this.landing.landed(turn, attempt, outcome);
    }
    const {failure} = result;
    if (this.ending === null || !isNoFault(failure)) return this.retries.after(turn, attempt, failure);
    this.progress.cancel(turn, task, attempt.stopping ?? this.ending);
    return null;
  }

  /** No process of the attempt is left and nobody will report on it. Returns when to try again, as `finish` does. */
  lose(turn: Turn, attempt: Attempt): number | null {
    turn.record({kind: 'attempt-ended', id: attempt.id, outcome: null, atMs: turn.now.wallMs});
    turn.emit(this.id, {type: 'attempt-lost', task: attempt.task.id, attempt: attempt.id, host: attempt.host});
    const rival = this.twins.rivalOf(attempt);
    this.#drop(attempt, null);
    if (attempt.hasLost) return this.#cleared(attempt.task);
    if (rival) return this.#goOn(turn, {attempt, rival, failure: null});
    if (this.ending === null) return this.retries.interrupted(turn, attempt);
    this.progress.cancel(turn, attempt.task, this.ending);
    return null;
  }

  /** An attempt at the task has succeeded after so long. */
  learnDuration(task: TaskNode, durationMs: number): void {
    if (this.twins.mayRunTwice(task, this.spec)) this.twins.learn(task, durationMs);
    if (this.settings.autoscale !== null) this.durations.learn(task, durationMs);
  }

  /** It was one of two and came to nothing: what becomes of the task is up to the other one, and no retry is used up. */
  #goOn(turn: Turn, {attempt, rival, failure}: {attempt: Attempt; rival: Attempt; failure: Failure | null}): null {
    const {task, id} = attempt;
    if (this.#atWork(task) !== rival) this.progress.work(task, 'running', rival.id);
    if (failure !== null) {
      const facts = {task: task.id, attempt: id, failure, retryInMs: null, goesOn: rival.id};
      turn.emit(this.id, {type: 'attempt-failed', ...facts});
    }
    // Nothing else says after a restart that the number of the one that is over is taken.
    this.progress.record(turn, task);
    return null;
  }

  /** What had lost at the task is over, so that nothing of it is left. */
  #cleared(task: TaskNode): null {
    this.progress.cleared(task);
    return null;
  }

  /** What the source of a `foreach` printed has been read (or could not be). */
  expandWith(turn: Turn, source: TaskNode, output: Result<JsonValue, Failure>): void {
    if (this.ending === null) this.progress.expandWith(turn, source, output);
  }

  /** Cancels everything that has not started. What runs is the engine's to stop. */
  end(turn: Turn, by: StopReason, detail: string | null): void {
    if (this.ending !== null) return;
    this.ending = by;
    this.endedBecause = detail ?? failureText({reason: 'stopped', by});
    this.becomes(turn);
    turn.emit(this.id, {type: 'team-ending', by});
    this.progress.cancelIdle(turn, by);
  }

  /** From now on this holds; a budget only if there is a new one. */
  change(turn: Turn, settings: TeamSettings, budget: Budget | null = null): void {
    this.settings = settings;
    if (budget) this.budget.replace(budget);
    const {replaced} = this.budget;
    turn.record({kind: 'team-settings', teamId: this.id, settings, ...(replaced ? {budget: replaced} : {})});
  }

  /** Records the state that it is in by now, and its clock if that has stopped or started. */
  becomes(turn: Turn, timer: TeamTimer = this.timer): void {
    const state = this.#stateNow;
    if (state === this.state && timer === this.timer) return;
    this.state = state;
    const {ending, id} = this;
    const since = timer.since && {...timer.since, bootId: this.#bootId};
    const clock = timer === this.timer ? {} : {timer: {usedMs: timer.usedMs, since}};
    this.timer = timer;
    turn.record({kind: 'team-state', id, state, ending, ...clock});
  }

  get #stateNow(): TeamState {
    if (this.ending !== null) return 'draining';
    if (this.settings.paused) return 'paused';
    return this.isStandby && this.tally.open === 0 ? 'idle' : 'running';
  }

  /** The attempt is no longer open: its place among the instances is free for another one. `outcome` is null when it was lost. */
  #drop(attempt: Attempt, outcome: AttemptOutcome | null): void {
    const {means, task} = attempt;
    this.attempts.delete(attempt.id);
    this.twins.ended(attempt, outcome);
    noteEnded(this.totals, {means, outcome});
    if (means) {
      const usage = outcome && showsUse(outcome) ? outcome.usage : null;
      this.budget.settle({spec: task.spec, choice: means, cap: means.cap, usage});
      this.budget.spend(means.cap, outcome?.usage ?? null);
    }
    const members = task.group?.members;
    if (!members) return;
    members.running -= 1;
    if (this.ending === null) this.ready.unpark(members);
  }
}

/** A row of a plan, as it is recorded. */
export function newTask({seq, id, specIndex}: TaskNode): NewTask {
  return {seq, id, specIndex, group: null, item: null};
}
