import type {Now} from '../base/clock.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import {DEFAULT_SETTINGS, type TeamSettings} from '../model/autoscale.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {StopReason} from '../model/failure.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {AgentRow, HostRecord, NewTask, StateRecord} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {groupsOf, isFinal, type TeamSpec, withPlan} from '../model/team.ts';
import type {MergeResult} from '../model/work.ts';
import {agentsOf, numberOf} from './agents-of-team.ts';
import {LIMITS} from './engine-limits.ts';
import type {Amount, AttemptEnd, LedgerAttempt, LedgerTask, LedgerTeam} from './ledger-entries.ts';
import {UndoLog} from './undo-log.ts';
import {hold} from './violation.ts';

/**
 * An account of everything the engine has recorded, kept apart from the engine's own state and strict about what may
 * follow what. Records that were not committed can be taken back, as a crash does.
 */
export class Ledger {
  readonly teams = new Map<TeamId, LedgerTeam>();
  readonly attempts = new Map<AttemptId, LedgerAttempt>();
  readonly hosts = new Map<HostId, HostRecord>();
  readonly open = new Set<LedgerAttempt>();
  /** How many attempts each agent is at work on. */
  readonly load = new Map<AgentId, number>();
  readonly live = new Set<LedgerTeam>();
  readonly removed = new Set<TeamId>();
  /** Tasks that the records since `clearTouched` have changed. */
  readonly touched = new Set<LedgerTask>();
  readonly #changes = new UndoLog();
  /** The number of the last lease. */
  readonly #last = {attempt: 0};

  /** Records that no commit covers yet. */
  get uncommitted(): number {
    return this.#changes.size;
  }

  commit(): void {
    this.#changes.keep();
  }

  rollback(): void {
    this.#changes.takeBack();
    this.touched.clear();
  }

  apply(record: StateRecord, now: Now): void {
    switch (record.kind) {
      case 'team-created':
        return this.#createTeam(record, now);
      case 'team-state': {
        const team = this.team(record.id);
        hold('a team that is over stays over', !isFinal(team.state), () => `${team.spec.name} is ${team.state}`);
        hold('a team ends for one reason', team.ending === null || team.ending === record.ending, () => team.spec.name);
        this.#changes.set(team, 'state', record.state);
        this.#runClock(team, now, record.state !== 'paused');
        return this.#changes.set(team, 'ending', record.ending);
      }
      case 'team-finished': {
        const team = this.team(record.id);
        hold('a team ends once', !isFinal(team.state), () => `${team.spec.name} is ${team.state}`);
        hold('a team ends in a final state', isFinal(record.state), () => record.state);
        this.#changes.set(team, 'state', record.state);
        return this.#changes.remove(this.live, team);
      }
      case 'team-removed':
        hold('only a team that is over is removed', isFinal(this.team(record.id).state), () => `team ${record.id}`);
        hold('a team is removed once', !this.removed.has(record.id), () => `team ${record.id}`);
        return this.#changes.insert(this.removed, record.id);
      case 'agents':
        for (const {id, group, standing} of record.agents) {
          this.#changeAgent(this.team(record.teamId), id, {group, standing});
        }
        return;
      case 'team-settings': {
        const team = this.team(record.teamId);
        this.#changes.set(team, 'settings', record.settings);
        if (record.budget) this.#changes.set(team, 'budget', record.budget);
        return;
      }
      case 'plan-added': {
        const team = this.team(record.teamId);
        hold('a team gets more to do when it has nothing to do', team.tasks.every(isOver), () => team.spec.name);
        this.#changes.set(team, 'spec', withPlan(team.spec, record));
        return this.#changes.set(team, 'mostAsked', mostAsked(team.spec));
      }
      case 'team-revived':
        return this.#revive(record, now);
      case 'tasks-created':
        for (const task of record.tasks) this.#createTask(this.team(record.teamId), task);
        return;
      case 'task-state':
        return this.#changeTask(record, now);
      case 'attempt-leased':
        return this.#lease(record);
      case 'attempt-session':
        return this.#changes.set(this.attempt(record.id), 'session', record.session);
      case 'attempt-ended':
        return this.#endAttempt(record, now);
      case 'host':
        return this.#changes.put(this.hosts, record.host.id, record.host);
    }
  }

  team(id: TeamId): LedgerTeam {
    const team = this.teams.get(id);
    hold('records are about known teams', team !== undefined, () => `team ${id}`);
    return team;
  }

  task(teamId: TeamId, seq: TaskSeq): LedgerTask {
    const task = this.team(teamId).tasks[seq];
    hold('records are about known tasks', task !== undefined, () => `team ${teamId}, task ${seq}`);
    return task;
  }

  attempt(id: AttemptId): LedgerAttempt {
    const attempt = this.attempts.get(id);
    hold('records are about known attempts', attempt !== undefined, () => `attempt ${id}`);
    return attempt;
  }

  /** The attempt whose change is being merged, if there is such a task. */
  merging(teamId: TeamId, seq: TaskSeq): LedgerAttempt | undefined {
    const task = this.teams.get(teamId)?.tasks[seq];
    return task?.state.name === 'merging' ? this.attempts.get(task.state.attempt) : undefined;
  }

  /** The engine is about to be told what has become of the change of an attempt. */
  hearMerge(attempt: LedgerAttempt, result: MergeResult): void {
    if (result.kind !== 'failed') this.#changes.set(attempt, 'merge', result);
  }

  #createTeam({id, spec}: Extract<StateRecord, {kind: 'team-created'}>, now: Now): void {
    hold('team ids are used once', !this.teams.has(id), () => `team ${id}`);
    for (const other of this.teams.values()) {
      const taken = other.spec.name === spec.name && !this.removed.has(other.id);
      hold('team names are used once', !taken, () => spec.name);
    }
    const state = spec.plan ? 'running' : 'idle';
    const team: LedgerTeam = {
      id,
      spec,
      settings: settingsOf(spec),
      budget: spec.budget,
      tasks: [],
      rows: new Map(),
      agents: new Map(agentsOf(spec)),
      standings: new Map(),
      clock: {usedMs: 0, sinceMs: now.monoMs},
      mostAsked: mostAsked(spec),
      state,
      ending: null,
      used: NOTHING,
      reserved: NOTHING,
      largest: NOTHING,
      spent: [],
    };
    this.#changes.put(this.teams, id, team);
    this.#changes.insert(this.live, team);
  }

  #revive({id, state}: Extract<StateRecord, {kind: 'team-revived'}>, now: Now): void {
    const team = this.team(id);
    hold('only a team that is over is taken up again', isFinal(team.state) && !this.removed.has(id), () => {
      return `${team.spec.name} is ${team.state}`;
    });
    this.#changes.set(team, 'state', state);
    this.#changes.set(team, 'ending', null);
    this.#changes.set(team, 'clock', {usedMs: 0, sinceMs: now.monoMs});
    // The engine has only their sum now.
    this.#changes.set(team, 'spent', []);
    this.#changes.insert(this.live, team);
  }

  #runClock(team: LedgerTeam, {monoMs}: Now, runs: boolean): void {
    const {usedMs, sinceMs} = team.clock;
    if ((sinceMs !== null) === runs) return;
    const passedMs = sinceMs === null ? 0 : monoMs - sinceMs;
    this.#changes.set(team, 'clock', {usedMs: usedMs + passedMs, sinceMs: runs ? monoMs : null});
  }

  #changeAgent(team: LedgerTeam, id: AgentId, {group, standing}: Omit<AgentRow, 'id'>): void {
    const known = team.agents.get(id);
    const before = team.standings.get(id) ?? 'present';
    const kind = groupsOf(team.spec)[group];
    hold('an agent belongs to a group of its team', kind !== undefined, () => `${id}: ${group}`);
    if (known) {
      hold('an agent stays in its group', known.name === kind.name, () => `${id}: ${known.name}, ${kind.name}`);
      hold(
        'an agent that was sent away leaves',
        before !== 'dismissed' || isLeaving(standing),
        () => `${id}: ${standing}`,
      );
      hold('an agent that has gone is gone for good', before !== 'gone' || standing === 'gone', () => id);
    } else {
      const highest = Math.max(0, ...[...team.agents.keys()].map(other => numberOf(team.spec.name, other)));
      const number = numberOf(team.spec.name, id);
      hold('numbers of agents count on', number > highest, () => `${id} after ${highest}`);
      this.#changes.put(team.agents, id, kind);
    }
    this.#changes.put(team.standings, id, standing);
  }

  /** What this life of the daemon knows of why attempts are to stop. */
  stop(attempt: LedgerAttempt, by: StopReason): void {
    if (attempt.stopping === null) this.#changes.set(attempt, 'stopping', by);
  }

  /** A new daemon knows only what is recorded. */
  forgetStops(): void {
    for (const attempt of this.open) {
      const {task, agentId} = attempt;
      attempt.stopping = task.team.ending ?? (task.team.standings.get(agentId) === 'gone' ? 'agent-killed' : null);
    }
  }

  #createTask(team: LedgerTeam, {seq, id, specIndex, group: groupSeq, item}: NewTask): void {
    const spec = team.spec.plan?.tasks[specIndex];
    hold('tasks are numbered without gaps', seq === team.tasks.length, () => `${id} is ${seq} of ${team.tasks.length}`);
    hold('tasks come from the plan', spec !== undefined, () => id);
    const group = groupSeq === null ? null : this.task(team.id, groupSeq);
    const task: LedgerTask = {
      team,
      seq,
      id,
      spec,
      item,
      group,
      instances: null,
      openInstances: 0,
      state: {name: 'waiting'},
      failures: 0,
      losses: 0,
      memo: undefined,
      open: null,
      twin: null,
      outrun: null,
      round: 1,
      attempts: [],
      earlier: [],
      retryDueMs: null,
    };
    this.#changes.push(team.tasks, task);
    if (!group) this.#changes.put(team.rows, id, task);
    else {
      this.#changes.set(group, 'instances', [...(group.instances ?? []), task]);
      this.touched.add(group);
    }
    this.touched.add(task);
  }

  #changeTask(record: Extract<StateRecord, {kind: 'task-state'}>, now: Now): void {
    const {teamId, seq, state, failures, losses, memo, round} = record;
    const task = this.task(teamId, seq);
    if (round > task.round) this.#beginRound(task, round);
    hold('rounds follow one another', round === task.round, () => `${task.id}: ${round} after ${task.round}`);
    hold('a task ends in one state, recorded once', !isTerminal(task.state.name), () => {
      return `${task.id} is ${task.state.name} and is recorded as ${state.name}`;
    });
    hold('failures and losses only grow', failures >= task.failures && losses >= task.losses, () => task.id);
    if (state.name === 'expanded') this.#changes.set(task, 'instances', task.instances ?? []);
    this.#changes.set(task, 'state', state);
    this.#changes.set(task, 'failures', failures);
    this.#changes.set(task, 'losses', losses);
    this.#changes.set(task, 'memo', memo);
    const retryDueMs = state.name === 'backing-off' ? now.monoMs + state.untilWallMs - now.wallMs : null;
    this.#changes.set(task, 'retryDueMs', retryDueMs);
    this.touched.add(task);
  }

  #beginRound(task: LedgerTask, round: number): void {
    const {id, state, spec, instances} = task;
    const what = () => `${id} is ${state.name}`;
    hold('a round begins when the one before is over', isTerminal(state.name) && round === task.round + 1, what);
    const isReviewer = spec.reviews !== undefined;
    hold('nothing that succeeded runs again', state.name !== 'succeeded' || isReviewer || instances !== null, what);
    this.#changes.set(task, 'round', round);
    this.#changes.set(task, 'state', {name: 'waiting'});
    this.#changes.set(task, 'failures', 0);
    this.#changes.set(task, 'losses', 0);
    this.#changes.set(task, 'earlier', [...task.earlier, ...task.attempts]);
    this.#changes.set(task, 'attempts', []);
  }

  #lease(record: Extract<StateRecord, {kind: 'attempt-leased'}>): void {
    const {id, teamId, task: seq, number, agentId, hostId, means, twinOf = null} = record;
    const task = this.task(teamId, seq);
    hold('fencing tokens increase', id > this.#last.attempt, () => `${id} after ${this.#last.attempt}`);
    hold('a finished task gets no attempt', !isTerminal(task.state.name), () => `${task.id} is ${task.state.name}`);
    const mayBe = task.twin === null && task.outrun === null && (task.open?.id ?? null) === twinOf;
    hold('a task has one open attempt, or two on purpose', mayBe, () => `${task.id}: ${id} beside ${task.open?.id}`);
    hold(
      'attempts are numbered in order',
      number === task.earlier.length + task.attempts.length + 1,
      () => `${task.id}: number ${number}`,
    );
    const group = task.team.agents.get(agentId);
    hold('work goes to agents of the team', group !== undefined, () => `attempt ${id} to ${agentId}`);
    const load = (this.load.get(agentId) ?? 0) + 1;
    hold('an agent has no more attempts than slots', load <= group.slots, () => {
      return `${agentId}: ${id} is number ${load} of ${group.slots}`;
    });
    const attempt: LedgerAttempt = {
      id,
      task,
      number,
      agentId,
      hostId,
      means,
      twinOf,
      reviews: this.#underReview(task),
      session: null,
      outcome: undefined,
      end: null,
      verdict: null,
      merge: null,
      stopping: null,
    };
    this.#changes.set(this.#last, 'attempt', id);
    this.#changes.put(this.attempts, id, attempt);
    this.#changes.put(this.load, agentId, load);
    if (means) this.#changes.set(task.team, 'reserved', plus(task.team.reserved, amountOf(means.cap)));
    this.#changes.insert(this.open, attempt);
    if (twinOf === null) {
      this.#changes.set(task, 'open', attempt);
      this.#changes.set(task, 'state', {name: 'running', attempt: id});
    } else this.#changes.set(task, 'twin', attempt);
    this.#changes.set(task, 'attempts', [...task.attempts, attempt]);
    if (task.group) this.#changes.set(task.group, 'openInstances', task.group.openInstances + 1);
    this.touched.add(task);
  }

  #endAttempt({id, outcome}: Extract<StateRecord, {kind: 'attempt-ended'}>, now: Now): void {
    const attempt = this.attempt(id);
    hold('an attempt ends once', attempt.outcome === undefined, () => `attempt ${id}`);
    const {task, agentId, means, reviews} = attempt;
    this.#changes.set(attempt, 'outcome', outcome);
    this.#endRace(attempt, outcome);
    this.#changes.remove(this.open, attempt);
    this.#changes.put(this.load, agentId, (this.load.get(agentId) ?? 0) - 1);
    if (means) this.#pay(task.team, {means, outcome, now});
    const verdict = outcome?.verdict;
    if (reviews && verdict && reviews === this.#underReview(task)) this.#changes.set(reviews, 'verdict', verdict);
    const {group} = task;
    if (group) this.#changes.set(group, 'openInstances', group.openInstances - 1);
    this.touched.add(task);
  }

  /** What follows of the end of an attempt for its task: of two, the first to succeed decides, or else the last. */
  #endRace(attempt: LedgerAttempt, outcome: AttemptOutcome | null): void {
    const {task, id} = attempt;
    const hasLost = task.outrun === attempt;
    hold('what has lost its race is no success', !hasLost || outcome?.result.ok !== true, () => `attempt ${id}`);
    const other = task.open === attempt ? task.twin : task.open;
    const isOutrun = hasLost || (other !== null && !outcome?.result.ok);
    this.#changes.set(attempt, 'end', isOutrun ? 'outrun' : endOf(attempt, outcome));
    if (hasLost) return this.#changes.set(task, 'outrun', null);
    if (other !== null && !isOutrun) this.#changes.set(task, 'outrun', other);
    this.#changes.set(task, 'open', isOutrun ? other : null);
    this.#changes.set(task, 'twin', null);
    if (isOutrun && other) this.#changes.set(task, 'state', {name: 'running', attempt: other.id});
  }

  /** What a reviewer has to look at now; null for every other task. */
  #underReview({team, spec}: LedgerTask): LedgerAttempt | null {
    const state = spec.reviews === undefined ? undefined : team.rows.get(spec.reviews)?.state;
    return state?.name === 'reviewing' ? (this.attempts.get(state.attempt) ?? null) : null;
  }

  #pay(
    team: LedgerTeam,
    {means: {cap}, outcome, now}: {means: AttemptMeans; outcome: AttemptOutcome | null; now: Now},
  ): void {
    const {usd = null, inputTokens = null, outputTokens = null} = outcome?.usage ?? {};
    const tokens = inputTokens === null && outputTokens === null ? null : (inputTokens ?? 0) + (outputTokens ?? 0);
    this.#changes.set(team, 'reserved', plus(team.reserved, {usd: -(cap.usd ?? 0), tokens: -(cap.tokens ?? 0)}));
    this.#changes.set(team, 'used', plus(team.used, {usd: usd ?? cap.usd ?? 0, tokens: tokens ?? cap.tokens ?? 0}));
    if (team.budget?.perHour !== undefined) {
      this.#changes.set(team, 'spent', [...team.spent, {atMs: now.monoMs, usd: usd ?? cap.usd ?? 0}]);
    }
    const {largest} = team;
    this.#changes.set(team, 'largest', {
      usd: Math.max(largest.usd, usd ?? 0),
      tokens: Math.max(largest.tokens, tokens ?? 0),
    });
  }
}

const NOTHING: Amount = {usd: 0, tokens: 0};

function plus(a: Amount, b: Amount): Amount {
  return {usd: a.usd + b.usd, tokens: a.tokens + b.tokens};
}

function amountOf({usd, tokens}: AttemptMeans['cap']): Amount {
  return {usd: usd ?? 0, tokens: tokens ?? 0};
}

function isOver({state}: LedgerTask): boolean {
  return isTerminal(state.name);
}

function settingsOf({autoscale, strategy, ejection, onBudget}: TeamSpec): TeamSettings {
  return {
    autoscale: autoscale ?? null,
    strategy: strategy ?? DEFAULT_SETTINGS.strategy,
    ...(ejection ? {ejection} : {}),
    onBudget: onBudget ?? DEFAULT_SETTINGS.onBudget,
    paused: false,
  };
}

function isLeaving(standing: AgentRow['standing']): boolean {
  return standing === 'dismissed' || standing === 'gone';
}

function mostAsked({plan}: TeamSpec): Amount {
  const estimates = plan?.tasks.flatMap(({estimate}) => estimate ?? []) ?? [];
  const {firstCap} = LIMITS;
  return {
    usd: Math.max(firstCap.usd, ...estimates.map(({usd}) => usd ?? 0)),
    tokens: Math.max(firstCap.tokens, ...estimates.map(({tokens}) => tokens ?? 0)),
  };
}

function endOf({task, stopping}: LedgerAttempt, outcome: AttemptOutcome | null): AttemptEnd {
  const result = outcome?.result;
  const isEnding = task.team.ending !== null;
  // What a reviewer does in a team that is ending is for nothing, whatever it has said.
  const isForNothing = isEnding && task.spec.reviews !== undefined && outcome?.verdict === undefined;
  if (result?.ok) return isForNothing ? 'cancelled' : 'ok';
  const reason = result?.failure.reason ?? 'stopped';
  switch (reason) {
    case 'stopped':
      if (isEnding) return 'cancelled';
      return stopping === 'agent-killed' ? 'taken' : 'lost';
    case 'silent':
      return isEnding ? 'failed' : 'lost';
    case 'provider-limited':
    case 'runtime-unavailable':
      return isEnding ? 'cancelled' : 'limited';
    default:
      return 'failed';
  }
}
