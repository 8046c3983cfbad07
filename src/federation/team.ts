import type {Now} from '../base/clock.ts';
import type {JsonValue} from '../base/json.ts';
import type {Random} from '../base/random.ts';
import type {Result} from '../base/result.ts';
import type {AttemptOutcome, SessionMark} from '../model/attempt.ts';
import {type GrowingTotals, NO_TOTALS, noteEnded} from '../model/attempt-totals.ts';
import type {TeamSettings} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';
import type {SelectionWhy} from '../model/explanation.ts';
import type {Failure, FailureReason, StopReason} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {type AttemptId, type HostId, type TeamId, taskSeq} from '../model/ids.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {Plan} from '../model/plan.ts';
import type {NewTask} from '../model/record.ts';
import {isTerminal, type TaskState} from '../model/task.ts';
import {groupsOf, type TeamSpec, type TeamState, withPlan} from '../model/team.ts';
import type {MergeResult, TeamRepository} from '../model/work.ts';
import {instancesOf} from '../plan/expand.ts';
import type {Agent} from './agent.ts';
import {Landing, type TaskHands} from './landing.ts';
import {withNewIds} from './plan-change.ts';
import {ReadyQueue} from './ready-queue.ts';
import {countersOf, isNoFault, Retries, type RetriesOptions, type RetryPolicy} from './retries.ts';
import {TaskDurations} from './task-durations.ts';
import {buildTaskGraph} from './task-graph.ts';
import {type Members, TaskNode} from './task-node.ts';
import {groupState, noteNeedOver, skipReason, tellNeedsAnew} from './task-rules.ts';
import {TaskTally} from './task-tally.ts';
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
 * A team that is not over: the only writer of its tasks' states. Every change is recorded in the turn that makes it.
 * It knows nothing of hosts and permits; the engine decides when a task may start and where.
 */
export class Team {
  readonly id: TeamId;
  /** With the plans that were added. */
  spec: TeamSpec;
  /** It is over only when it has been ended. */
  readonly isStandby: boolean;
  startedAt: Now;
  readonly tasks: TaskNode[] = [];
  readonly agents: TeamAgents;
  readonly selection: TeamSelection;
  readonly attempts = new Map<AttemptId, Attempt>();
  readonly tally = new TaskTally();
  readonly totals: GrowingTotals = {...NO_TOTALS};
  readonly retries: Retries;
  readonly budget: TeamBudget;
  /** What its tasks take, as long as that decides how many agents it has. */
  readonly durations = new TaskDurations();
  readonly ready: ReadyQueue;
  readonly landing: Landing;
  readonly twins = new TeamTwins<Attempt>();
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
    this.adopt(tasks);
    const groups = groupsOf(spec);
    this.#settings = settingsOf(spec);
    this.agents = new TeamAgents(spec.name, groups, {strategy: this.settings.strategy, random});
    this.settings = this.#settings;
    this.selection = new TeamSelection(this.agents, this.settings.strategy);
    this.ready = new ReadyQueue(groups, spec.plan?.escalate);
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
      mergeEffect: (turn, task, {attempt, work, credits}) => {
        const facts = {
          teamId: id,
          task: task.seq,
          taskId: task.id,
          attempt,
          work,
          credits,
          spec: task.spec,
          item: task.item,
        };
        turn.effect({type: 'merge', request: facts});
      },
      emit,
      maxConflicts: policy.maxConflicts,
    });
  }

  #hands(): TaskHands {
    const ending = () => this.ending;
    return {
      tasks: this.tasks,
      enter: (turn, task, state) => {
        this.tally.enter(task, state);
        this.#recordState(turn, task);
      },
      again: (turn, task) => {
        this.#makeReady(task);
        this.#recordState(turn, task);
      },
      conclude: (turn, task, state) => this.#conclude(turn, task, state),
      fail: (turn, task, attempt, failure) => this.retries.failed(turn, task, {attempt, failure}),
      succeed: (turn, task, attempt, durationMs) => {
        turn.emit(this.id, {type: 'task-succeeded', task: task.id, attempt, durationMs});
        this.#conclude(turn, task, {name: 'succeeded'});
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

  /** The items of a `foreach` are being read just now. */
  get awaitsOutput(): boolean {
    return this.tasks.some(awaitsOutput);
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
    this.#letGo(turn, [...this.tasks]);
  }

  /** Those of these tasks that wait for nothing any more. */
  #letGo(turn: Turn, tasks: readonly TaskNode[]): void {
    for (const task of tasks) {
      const isFree = (task.group ?? task).unfinishedNeeds === 0;
      if (task.state.name !== 'waiting' || !isFree || this.landing.isReviewer(task)) continue;
      if (task.group) this.#makeReady(task);
      else this.#settle(turn, [task]);
    }
  }

  /** New rows of a plan, which wait. */
  adopt(rows: readonly TaskNode[]): void {
    for (const row of rows) this.tasks.push(row);
    this.tally.add(rows.length);
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
    this.adopt(rows);
    this.landing.adopt(rows);
    this.ready.escalateBy(this.spec.plan?.escalate);
    turn.record({kind: 'plan-added', teamId: this.id, ...record});
    turn.record({kind: 'tasks-created', teamId: this.id, tasks: rows.map(newTask)});
    turn.emit(this.id, {type: 'plan-added', plan: plan.name, tasks: rows.length});
    const before = this.warnings;
    this.warnings = [...warnings, ...warningsOf(this.spec)];
    for (const text of this.warnings) if (!before.includes(text)) turn.emit(this.id, {type: 'team-warning', text});
    this.becomes(turn);
    this.#letGo(turn, rows);
  }

  /** These tasks, which are over, go again. */
  beginRound(turn: Turn, tasks: readonly TaskNode[]): void {
    const groups = new Set(tasks.flatMap(({group}) => group ?? []));
    for (const group of groups) if (isTerminal(group.state.name)) this.#reopen(turn, group, {name: 'expanded'});
    for (const task of tasks) this.#reopen(turn, task, {name: 'waiting'});
    tellNeedsAnew(this.tasks.filter(({group}) => group === null));
    const first = tasks.slice(0, MAX_NAMED).map(({id}) => id);
    turn.emit(this.id, {type: 'round-begun', tasks: tasks.length, first});
    this.becomes(turn);
    this.#letGo(turn, tasks);
  }

  #reopen(turn: Turn, task: TaskNode, state: TaskState): void {
    const members = task.group?.members;
    if (members) {
      count(members, task, -1);
      members.open += 1;
    }
    this.retries.forget(task);
    this.landing.forget(task);
    this.tally.reopen(task, state);
    task.round += 1;
    task.failures = 0;
    task.losses = 0;
    const feedback = task.memo?.feedback;
    task.memo = feedback === undefined ? undefined : {feedback};
    this.#recordState(turn, task);
  }

  /** Records the lease. The caller has made sure of the agent and of whatever it needs. */
  lease(
    turn: Turn,
    {
      id,
      task,
      agent,
      host,
      means,
      why,
      beside = null,
    }: Pick<Attempt, 'id' | 'task' | 'agent' | 'host' | 'means'> & {
      why: SelectionWhy;
      /** The open attempt at the task that is to have a second one. */
      beside?: Attempt | null;
    },
  ): Attempt {
    const number = task.attempts + 1;
    const session = null;
    const attempt: Attempt = {
      id,
      team: this,
      task,
      agent,
      host,
      number,
      leasedAt: turn.now,
      means,
      session,
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
    if (!first) return this.tally.enter(task, {name: 'running', attempt: id});
    first.hasTwin = true;
    this.twins.join(first, attempt);
  }

  /** The open attempt that decides what becomes of the task, the first of two. */
  #atWork({state}: TaskNode): Attempt | undefined {
    return state.name === 'running' || state.name === 'verifying' ? this.attempts.get(state.attempt) : undefined;
  }

  verifying(attempt: Attempt): void {
    if (attempt.hasLost) return;
    if (attempt.task.state.name === 'running') this.tally.enter(attempt.task, {name: 'verifying', attempt: attempt.id});
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
    this.#cancel(turn, task, attempt.stopping ?? this.ending);
    return null;
  }

  /** What has become of a change that was to be merged. */
  mergeEnded(turn: Turn, task: TaskNode, result: MergeResult): ReturnType<Landing['mergeEnded']> {
    return this.landing.mergeEnded(turn, task, result);
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
    this.#cancel(turn, attempt.task, this.ending);
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
    if (this.#atWork(task) !== rival) this.tally.enter(task, {name: 'running', attempt: rival.id});
    if (failure !== null) {
      const facts = {task: task.id, attempt: id, failure, retryInMs: null, goesOn: rival.id};
      turn.emit(this.id, {type: 'attempt-failed', ...facts});
    }
    // Nothing else says after a restart that the number of the one that is over is taken.
    this.#recordState(turn, task);
    return null;
  }

  /** What had lost at the task is over, so that nothing of it is left. */
  #cleared(task: TaskNode): null {
    if (task.state.name === 'ready' && !this.twins.keepsBack(task)) this.ready.push(task);
    return null;
  }

  /** The delay before the next attempt is over. */
  retryDue(task: TaskNode): void {
    if (task.state.name === 'backing-off') this.#makeReady(task);
  }

  /** What the source of a `foreach` printed has been read (or could not be). */
  expandWith(turn: Turn, source: TaskNode, output: Result<JsonValue, Failure>): void {
    if (this.ending !== null) return;
    for (const task of source.feeds) if (awaitsOutput(task)) this.#expand(turn, task, output);
  }

  /** Cancels everything that has not started. What runs is the engine's to stop. */
  end(turn: Turn, by: StopReason, detail: string | null): void {
    if (this.ending !== null) return;
    this.ending = by;
    this.endedBecause = detail ?? failureText({reason: 'stopped', by});
    this.becomes(turn);
    turn.emit(this.id, {type: 'team-ending', by});
    this.#cancelIdleTasks(turn, by);
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

  #cancelIdleTasks(turn: Turn, by: StopReason): void {
    const groups: TaskNode[] = [];
    for (const task of this.tasks) {
      const {name} = task.state;
      if (name === 'expanded') groups.push(task);
      if (name !== 'waiting' && name !== 'ready' && name !== 'backing-off' && name !== 'reviewing') continue;
      this.tally.enter(task, {name: 'cancelled', by});
      this.#recordState(turn, task);
      const members = task.group?.members;
      if (members) {
        members.open -= 1;
        members.cancelled += 1;
      }
    }
    this.ready.clear();
    for (const group of groups)
      if (group.members?.open === 0) this.#conclude(turn, group, groupState(group.members, by));
  }

  #cancel(turn: Turn, task: TaskNode, by: StopReason): void {
    turn.emit(this.id, {type: 'task-cancelled', task: task.id, by});
    this.#conclude(turn, task, {name: 'cancelled', by});
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

  /** Ends a task and everything that follows from that, without recursion: chains may be 100,000 tasks long. */
  #conclude(turn: Turn, task: TaskNode, state: TaskState): void {
    const over: TaskNode[] = [];
    this.#close(turn, task, state, over);
    this.#tell(turn, over);
  }

  /** Tells everybody concerned that these tasks are over, and so on until nothing more follows. */
  #tell(turn: Turn, over: TaskNode[]): void {
    for (let node = over.pop(); node; node = over.pop()) {
      if (node.group) this.#countMember(turn, node, node.group, over);
      else this.#tellDependents(turn, node, over);
      this.landing.concluded(turn, node);
    }
  }

  #close(turn: Turn, task: TaskNode, state: TaskState, over: TaskNode[]): void {
    this.tally.enter(task, state);
    this.#recordState(turn, task);
    over.push(task);
  }

  #countMember(turn: Turn, member: TaskNode, group: TaskNode, over: TaskNode[]): void {
    const {members} = group;
    if (!members) throw new Error(`Internal error: "${group.id}" has instances but is not expanded`);
    count(members, member, 1);
    members.open -= 1;
    if (members.open === 0) this.#close(turn, group, groupState(members, this.ending ?? 'user'), over);
  }

  #tellDependents(turn: Turn, node: TaskNode, over: TaskNode[]): void {
    for (const dependent of node.dependents) {
      noteNeedOver(dependent, node);
      if (dependent.unfinishedNeeds > 0) continue;
      if (dependent.state.name === 'waiting') this.#admit(turn, dependent, over);
      // Instances that go again wait for needs that go again.
      else if (dependent.state.name === 'expanded') this.#letGo(turn, dependent.members?.all ?? []);
    }
  }

  #settle(turn: Turn, tasks: readonly TaskNode[]): void {
    const over: TaskNode[] = [];
    for (const task of tasks) this.#admit(turn, task, over);
    this.#tell(turn, over);
  }

  /** The task's needs are over: it runs, is expanded, or is skipped. */
  #admit(turn: Turn, task: TaskNode, over: TaskNode[]): void {
    const because = skipReason(task);
    if (because) {
      const need = because.task === null ? null : (this.tasks[because.task]?.id ?? null);
      turn.emit(this.id, {type: 'task-skipped', task: task.id, because: because.cause, need});
      this.#close(turn, task, {name: 'skipped', because}, over);
      return;
    }
    const {foreach} = task.spec;
    if (!foreach) {
      this.#makeReady(task);
      return;
    }
    if (foreach.from === 'list') {
      this.#expandInto(turn, task, {ok: true, value: foreach.items}, over);
      return;
    }
    const source = task.source;
    if (source?.state.name === 'succeeded') {
      turn.effect({type: 'read-output', teamId: this.id, task: source.seq, taskSpec: source.spec});
      return;
    }
    const detail = `its items come from the output of "${foreach.task}", which is ${source?.state.name ?? 'unknown'}`;
    this.#expandInto(turn, task, {ok: false, failure: {reason: 'foreach-invalid', detail}}, over);
  }

  #expand(turn: Turn, task: TaskNode, output: Result<JsonValue, Failure>): void {
    const over: TaskNode[] = [];
    this.#expandInto(turn, task, output, over);
    this.#tell(turn, over);
  }

  #expandInto(turn: Turn, group: TaskNode, output: Result<JsonValue, Failure>, over: TaskNode[]): void {
    const instances = output.ok ? instancesOf(group.spec, output.value) : output;
    if (!instances.ok) {
      turn.emit(this.id, {type: 'task-failed', task: group.id, failure: instances.failure});
      this.#close(turn, group, {name: 'failed', failure: instances.failure}, over);
      return;
    }
    const rows: NewTask[] = instances.value.map(({key, item}, index) => ({
      seq: taskSeq(this.tasks.length + index),
      id: `${group.id}[${key}]`,
      specIndex: group.specIndex,
      group: group.seq,
      item,
    }));
    turn.record({kind: 'tasks-created', teamId: this.id, tasks: rows});
    turn.emit(this.id, {type: 'tasks-added', task: group.id, count: rows.length});
    this.openGroup(group);
    this.#recordState(turn, group);
    for (const row of rows) this.#makeReady(this.addMember(group, row));
    if (rows.length === 0) this.#close(turn, group, {name: 'succeeded'}, over);
  }

  /** From now on the instances count, not the template. */
  openGroup(group: TaskNode): void {
    this.tally.expand(group);
  }

  addMember(group: TaskNode, row: NewTask): TaskNode {
    const {seq, id, specIndex, item} = row;
    const task = new TaskNode({seq, id, specIndex, spec: group.spec, group, item});
    if (task.seq !== this.tasks.length) throw new Error(`Internal error: "${id}" is out of order`);
    this.tasks.push(task);
    this.tally.add(1);
    if (group.members) {
      group.members.all.push(task);
      group.members.total += 1;
      group.members.open += 1;
    }
    return task;
  }

  /** Puts a task into the state it had when the store was last written, without consequences. */
  restoreState(task: TaskNode, state: TaskState): void {
    if (state.name !== task.state.name) this.tally.enter(task, state);
    const members = task.group?.members;
    if (!members || !isTerminal(state.name)) return;
    count(members, task, 1);
    members.open -= 1;
  }

  #makeReady(task: TaskNode): void {
    this.tally.enter(task, {name: 'ready'});
    if (!this.twins.keepsBack(task)) this.ready.push(task);
  }

  #recordState(turn: Turn, task: TaskNode): void {
    const {seq, state, failures, losses, round, attempts, memo} = task;
    turn.record({
      kind: 'task-state',
      teamId: this.id,
      seq,
      state: state.name === 'ready' ? {name: 'waiting'} : state,
      failures,
      losses,
      round,
      attempts,
      ...(memo ? {memo} : {}),
    });
  }
}

const CUT_SHORT: ReadonlySet<FailureReason> = new Set([
  'stopped',
  'silent',
  'provider-limited',
  'runtime-unavailable',
  'agent-error',
  'spawn-failed',
]);

/** What was cut short says nothing of what such attempts use. */
function showsUse({result}: AttemptOutcome): boolean {
  if (result.ok) return true;
  const {reason} = result.failure;
  return !CUT_SHORT.has(reason);
}

function awaitsOutput(task: TaskNode): boolean {
  return task.isTemplate && task.state.name === 'waiting' && task.unfinishedNeeds === 0;
}

/** An instance is over, or (-1) is not any more. */
function count(members: Members, {state, spec}: TaskNode, sign: 1 | -1): void {
  if (state.name === 'succeeded' || (state.name === 'failed' && spec.continueOnError)) members.succeeded += sign;
  else if (state.name === 'cancelled') members.cancelled += sign;
  else members.failed += sign;
}

/** A row of a plan, as it is recorded. */
export function newTask({seq, id, specIndex}: TaskNode): NewTask {
  return {seq, id, specIndex, group: null, item: null};
}
