import type {
  AgentRow,
  Instant,
  EngineRecord,
  HostRecord,
  NewTask,
  StateRecord,
  StoredState,
  StoredTeam,
} from '../../src/model/record.ts';
import type {CostRow, CostRows, Costs, Spending} from '../../src/model/cost-view.ts';
import type {StoredEvent} from '../../src/model/event.ts';
import {attemptId, type TaskSeq, type TeamId, teamId} from '../../src/model/ids.ts';
import type {AttemptRow, TaskRow, TeamRow} from '../../src/model/row.ts';
import type {StopReason} from '../../src/model/failure.ts';
import {type TeamSpec, withPlan} from '../../src/model/team.ts';
import type {Usage} from '../../src/model/usage.ts';

type Growing<T> = {-readonly [K in keyof T]: T[K]};

interface TeamFold {
  readonly row: Growing<TeamRow>;
  spec: TeamSpec;
  readonly isStandby: boolean;
  startedAt: Instant;
  ending: StopReason | null;
  readonly kept: Growing<Pick<StoredTeam, 'settings' | 'budget' | 'timer'>>;
  readonly agents: Map<string, AgentRow>;
  readonly tasks: Growing<TaskRow>[];
  readonly attempts: Growing<AttemptRow>[];
}

/** What a store has to show after some records, told as plainly as possible. */
export class RecordFold {
  readonly #teams = new Map<TeamId, TeamFold>();
  readonly #hosts = new Map<string, HostRecord>();
  readonly #seqs = new Map<TeamId | null, number>();
  #events: StoredEvent[] = [];
  #lastTeam = 0;
  #lastAttempt = 0;
  #cursor = 0;

  apply(record: EngineRecord): void {
    if (record.kind !== 'event') return this.#applyState(record);
    const {teamId} = record.event;
    const seq = (this.#seqs.get(teamId) ?? 0) + 1;
    this.#seqs.set(teamId, seq);
    this.#cursor += 1;
    this.#events.push({v: 1, cursor: this.#cursor, seq, ...record.event});
  }

  load(): StoredState {
    const teams = [...this.#teams.values()];
    return {
      nextTeamId: teamId(this.#lastTeam + 1),
      nextAttemptId: attemptId(this.#lastAttempt + 1),
      hosts: [...this.#hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      teams: teams.filter(({row}) => row.endedAtMs === null).map(storedTeam),
      over: teams.flatMap(({row}) => row.view ?? []),
    };
  }

  loadTeam(id: TeamId): StoredTeam | null {
    const team = this.#teams.get(id);
    return team ? storedTeam(team) : null;
  }

  teams(): TeamRow[] {
    return [...this.#teams.values()].map(({row}) => row);
  }

  tasks(id: TeamId): TaskRow[] {
    const {tasks = [], attempts = []} = this.#teams.get(id) ?? {};
    const leases = attempts.filter(({endedAtMs}) => endedAtMs === null);
    const open = new Map(leases.reverse().map(attempt => [attempt.task, attempt.id]));
    return tasks.map(task => {
      const attempt = open.get(task.seq);
      const isFurther = !['waiting', 'ready', 'backing-off', 'running'].includes(task.state.name);
      return attempt === undefined || isFurther ? task : {...task, state: {name: 'running', attempt}};
    });
  }

  costs(id: TeamId): Costs {
    const prompts = this.attempts(id).filter(({means}) => means !== undefined);
    const modelOf = ({means}: AttemptRow) => [means?.runtime, means?.model].filter(part => part != null).join('/');
    return {
      totals: spendingOf(prompts),
      byTask: costRows(prompts, ({taskId, task}) => ({key: String(task), name: taskId})),
      byAgent: costRows(prompts, ({agentId}) => ({key: agentId, name: agentId})),
      byModel: costRows(prompts, attempt => ({key: modelOf(attempt), name: modelOf(attempt)})),
    };
  }

  attempts(id: TeamId): AttemptRow[] {
    return this.#teams.get(id)?.attempts ?? [];
  }

  events(): StoredEvent[] {
    return this.#events;
  }

  #applyState(record: StateRecord): void {
    switch (record.kind) {
      case 'team-created':
        this.#lastTeam = Math.max(this.#lastTeam, record.id);
        this.#teams.set(record.id, newTeam(record));
        break;
      case 'team-state':
        this.#team(record.id).row.state = record.state;
        this.#team(record.id).ending = record.ending;
        if (record.timer) this.#team(record.id).kept.timer = record.timer;
        break;
      case 'team-settings': {
        const {settings, budget} = record;
        Object.assign(this.#team(record.teamId).kept, {settings, ...(budget ? {budget} : {})});
        break;
      }
      case 'team-finished':
        Object.assign(this.#team(record.id).row, {state: record.state, endedAtMs: record.atMs, view: record.view});
        break;
      case 'team-revived': {
        const {state, startedAt, timer} = record;
        const team = this.#team(record.id);
        Object.assign(team.row, {state, startedAtMs: startedAt.wallMs, endedAtMs: null, view: null});
        Object.assign(team, {startedAt, ending: null});
        team.kept.timer = timer;
        break;
      }
      case 'plan-added':
        this.#team(record.teamId).spec = withPlan(this.#team(record.teamId).spec, record);
        break;
      case 'team-removed':
        this.#teams.delete(record.id);
        this.#seqs.delete(record.id);
        this.#events = this.#events.filter(event => event.teamId !== record.id);
        break;
      case 'agents':
        for (const agent of record.agents) this.#team(record.teamId).agents.set(agent.id, agent);
        break;
      case 'tasks-created':
        this.#team(record.teamId).tasks.push(...record.tasks.map(newTask));
        break;
      case 'task-state': {
        const {state, failures, losses, round, attempts, memo} = record;
        const task = this.#task(record.teamId, record.seq);
        delete task.memo;
        Object.assign(task, {state, failures, losses, round, attempts, ...(memo ? {memo} : {})});
        break;
      }
      case 'attempt-leased':
        this.#lastAttempt = Math.max(this.#lastAttempt, record.id);
        this.#team(record.teamId).attempts.push({
          id: record.id,
          teamId: record.teamId,
          task: record.task,
          taskId: this.#task(record.teamId, record.task).id,
          number: record.number,
          agentId: record.agentId,
          hostId: record.hostId,
          leasedAtMs: record.atMs,
          endedAtMs: null,
          outcome: null,
          ...(record.means ? {means: record.means} : {}),
          ...(record.twinOf === undefined ? {} : {twinOf: record.twinOf}),
        });
        break;
      case 'attempt-session': {
        const attempts = [...this.#teams.values()].flatMap(team => team.attempts);
        Object.assign(attempts.find(({id}) => id === record.id)!, {session: record.session});
        break;
      }
      case 'attempt-ended': {
        const attempts = [...this.#teams.values()].flatMap(team => team.attempts);
        Object.assign(attempts.find(({id}) => id === record.id)!, {endedAtMs: record.atMs, outcome: record.outcome});
        break;
      }
      case 'host':
        if (record.host.gone) this.#hosts.delete(record.host.id);
        else this.#hosts.set(record.host.id, record.host);
        break;
    }
  }

  #team(id: TeamId): TeamFold {
    return this.#teams.get(id)!;
  }

  #task(id: TeamId, seq: TaskSeq): Growing<TaskRow> {
    return this.#team(id).tasks.find(task => task.seq === seq)!;
  }
}

function storedTeam({row, spec, isStandby, startedAt, ending, kept, agents, tasks, attempts}: TeamFold): StoredTeam {
  return {
    id: row.id,
    spec,
    isStandby,
    state: row.state,
    ending,
    startedAt,
    ...kept,
    agents: [...agents.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    tasks,
    openAttempts: attempts
      .filter(attempt => attempt.endedAtMs === null)
      .map(({id, task, number, agentId, hostId, leasedAtMs, means, session, twinOf}) => ({
        id,
        task,
        number,
        agentId,
        hostId,
        leasedAtMs,
        ...(means ? {means} : {}),
        ...(session ? {session} : {}),
        ...(twinOf === undefined ? {} : {twinOf}),
        ...(attempts.some(each => (each.id === twinOf || each.twinOf === id) && each.outcome?.result.ok)
          ? {hasLost: true as const}
          : {}),
      })),
    past: attempts.flatMap(({task, agentId, endedAtMs, outcome, means}) => {
      if (outcome === null || endedAtMs === null) return [];
      const {result, durationMs, usage} = outcome;
      return [{task, agentId, endedAtMs, result, durationMs, usd: usage.usd, ...(means ? {means} : {})}];
    }),
    totals: totalsOf(attempts),
  };
}

function newTeam({id, spec, at}: Extract<StateRecord, {kind: 'team-created'}>): TeamFold {
  const hasPlan = spec.plan !== null;
  const {name, count, cwd, umask, secretNames, failFast, maxFailures, timeoutMs, traceId} = spec;
  const shown = {name, count, cwd, umask, secretNames, failFast, maxFailures, timeoutMs, traceId, hasPlan};
  const state = hasPlan ? 'running' : 'idle';
  return {
    row: {id, spec: shown, state, startedAtMs: at.wallMs, endedAtMs: null, view: null},
    spec,
    isStandby: !hasPlan,
    startedAt: at,
    ending: null,
    kept: {},
    agents: new Map(),
    tasks: [],
    attempts: [],
  };
}

function newTask(task: NewTask): Growing<TaskRow> {
  return {...task, state: {name: 'waiting'}, failures: 0, losses: 0, round: 1, attempts: 0};
}

function totalsOf(attempts: readonly AttemptRow[]) {
  const outcomes = attempts.flatMap(({outcome}) => outcome ?? []);
  const cpu = outcomes.flatMap(({usage}) => usage.cpuSeconds ?? []);
  const rss = outcomes.flatMap(({usage}) => usage.maxRssBytes ?? []);
  const over = attempts.filter(({endedAtMs}) => endedAtMs !== null);
  const unknownUsd = over.filter(({outcome}) => (outcome?.usage.usd ?? null) === null);
  const unknownTokens = over.filter(
    ({outcome}) => (outcome?.usage.inputTokens ?? outcome?.usage.outputTokens ?? null) === null,
  );
  return {
    attempts: attempts.length,
    busyMs: sum(outcomes.map(({durationMs}) => durationMs)),
    cpuSeconds: sumOfKnown(cpu),
    maxRssBytes: rss.length === 0 ? null : Math.max(...rss),
    usd: sumOfKnown(outcomes.flatMap(({usage}) => usage.usd ?? [])),
    inputTokens: sumOfKnown(outcomes.flatMap(({usage}) => usage.inputTokens ?? [])),
    outputTokens: sumOfKnown(outcomes.flatMap(({usage}) => usage.outputTokens ?? [])),
    cacheReadTokens: sumOfKnown(outcomes.flatMap(({usage}) => usage.cacheReadTokens ?? [])),
    cacheWriteTokens: sumOfKnown(outcomes.flatMap(({usage}) => usage.cacheWriteTokens ?? [])),
    unsettledUsd: sum(unknownUsd.map(({means}) => means?.cap.usd ?? 0)),
    unsettledTokens: sum(unknownTokens.map(({means}) => means?.cap.tokens ?? 0)),
    unpriced: unknownUsd.filter(({means}) => means !== undefined).length,
  };
}

function costRows(attempts: readonly AttemptRow[], by: (attempt: AttemptRow) => {key: string; name: string}): CostRows {
  const groups = new Map<string, AttemptRow[]>();
  for (const attempt of attempts) {
    const {key} = by(attempt);
    groups.set(key, [...(groups.get(key) ?? []), attempt]);
  }
  const rows = [...groups.values()].map(group => ({name: by(group[0]!).name, ...spendingOf(group)}));
  const dearer = (a: CostRow, b: CostRow) =>
    (b.usd ?? -1) - (a.usd ?? -1) || b.attempts - a.attempts || (a.name < b.name ? -1 : 1);
  return {rows: rows.sort(dearer), omitted: 0};
}

function spendingOf(attempts: readonly AttemptRow[]): Spending {
  const {usd, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, ...sums} = totalsOf(attempts);
  const open = attempts.filter(({endedAtMs}) => endedAtMs === null);
  const counted = attempts.flatMap(({outcome}) => (outcome ? [outcome.usage] : [])).filter(isCounted);
  return {
    attempts: sums.attempts,
    running: open.length,
    usd,
    unpriced: sums.unpriced,
    uncounted: attempts.length - open.length - counted.length,
    unsettledUsd: sums.unsettledUsd,
    unsettledTokens: sums.unsettledTokens,
    reservedUsd: sum(open.map(({means}) => means?.cap.usd ?? 0)),
    reservedTokens: sum(open.map(({means}) => means?.cap.tokens ?? 0)),
    inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWriteTokens,
  };
}

function isCounted({inputTokens, outputTokens}: Usage): boolean {
  return inputTokens !== null || outputTokens !== null;
}

function sumOfKnown(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
