import type {Autoscale, ScaleDecision} from '../model/autoscale.ts';
import type {AgentId, TeamId} from '../model/ids.ts';
import type {EngineRecord} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {decideScale, FIRST_STATE, LOOK_AHEAD_MS, type ScaleSignals} from './auto-scaler.ts';
import {forecastDemand} from './demand-forecast.ts';
import type {Dispatcher} from './dispatcher.ts';
import {PlanWidth} from './plan-width.ts';
import {QueueWaits} from './queue-waits.ts';
import {hourlyCost} from './resource-manager.ts';
import {queueOf} from './scalable-queue.ts';
import type {Team} from './team.ts';
import {weightsOf} from './team-scale.ts';
import type {Turn} from './turn.ts';

/** However much happens: a team is not looked at more often than this. */
const LOOK_EVERY_MS = 50;
/** What kept more attempts from running, beside agents, is remembered for this long. */
const LIMIT_MS = 60_000;
/** When the runtime of an agent has turned out not to work, nobody is started for so long: others may be about to say the same. */
const FAILED_MS = 10_000;

export interface TeamScalerOptions {
  readonly dispatcher: Dispatcher;
  /** Carries a decision out, as far as it can be. */
  readonly scale: (turn: Turn, team: Team, order: Pick<ScaleDecision, 'to' | 'why' | 'inputs'>) => ScaleDecision | null;
  /** Has `follow` called again at that time, whatever else happens. */
  readonly wake: (teamId: TeamId, atMs: number) => void;
}

/** Has the teams grow and shrink that are to do so by themselves: collects what `decideScale` looks at, and does what it says. */
export class TeamScaler {
  readonly #options: TeamScalerOptions;
  readonly #pools = new Map<TeamId, ScaledPool>();

  constructor(options: TeamScalerOptions) {
    this.#options = options;
  }

  /** To be called at the end of each turn. Answers whether the team has other agents now. */
  follow(turn: Turn, team: Team): boolean {
    const {autoscale} = team.settings;
    if (autoscale === null || team.ending !== null) {
      this.#pools.delete(team.id);
      team.growthLimit = null;
      return false;
    }
    let pool = this.#pools.get(team.id);
    if (!pool) {
      pool = new ScaledPool(team);
      this.#pools.set(team.id, pool);
    } else pool.note(turn);
    if (team.isPaused || !pool.isWorthALook(turn.now.monoMs, autoscale)) {
      this.#wake(team, pool);
      return false;
    }
    const order = pool.look(turn.now.monoMs, {settings: autoscale, dispatcher: this.#options.dispatcher});
    const done = order && this.#options.scale(turn, team, order);
    if (order && done) pool.noteDone(order, done);
    this.#wake(team, pool);
    return done !== null;
  }

  forget(id: TeamId): void {
    this.#pools.delete(id);
  }

  #wake(team: Team, pool: ScaledPool): void {
    const atMs = team.isPaused ? null : pool.nextLookMs;
    if (atMs !== null) this.#options.wake(team.id, atMs);
  }
}

/** What is known of one team that is not known to the team itself. */
class ScaledPool {
  readonly #team: Team;
  #width: PlanWidth;
  readonly #waits = new QueueWaits();
  readonly #idleSince = new Map<AgentId, number>();
  #state = FIRST_STATE;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #againAtMs: number | null = null;
  #hasNews = true;
  #settings: Autoscale | null = null;
  /** Fewer would leave some task without an agent that can do it, for all that is known. */
  #least = 0;
  /** More than this could not run when it was last tried: the machine or an account allowed no more. */
  #limit: {readonly slots: number; readonly atMs: number} | null = null;
  /** The plan is not what it was when its width was worked out. */
  #isStale = false;
  #leased = 0;
  /** What changes without being recorded. */
  #seen: readonly number[] = [];
  #failed = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(team: Team) {
    this.#team = team;
    this.#width = new PlanWidth(team.tasks);
  }

  /** What has happened in this turn. */
  note({step}: Turn): void {
    for (const record of step.records) this.#noteRecord(record);
    const {agents, ready, running} = this.#team;
    const seen = [agents.freeInAll, agents.count('idle'), agents.livingInAll, ready.size, running];
    if (seen.some((count, index) => count !== this.#seen[index])) this.#hasNews = true;
    this.#seen = seen;
  }

  isWorthALook(nowMs: number, settings: Autoscale): boolean {
    if (settings !== this.#settings) return true;
    const isDue = this.#againAtMs !== null && this.#againAtMs <= nowMs;
    return (this.#hasNews || isDue) && nowMs >= this.#lastLookMs + LOOK_EVERY_MS;
  }

  look(
    nowMs: number,
    {settings, dispatcher}: {settings: Autoscale; dispatcher: Dispatcher},
  ): Pick<ScaleDecision, 'to' | 'why' | 'inputs'> | null {
    this.#hasNews = false;
    this.#settings = settings;
    this.#lastLookMs = nowMs;
    if (this.#isStale) this.#width = new PlanWidth(this.#team.tasks);
    this.#isStale = false;
    const signals = this.#signals(nowMs, settings, dispatcher);
    // Whoever is the last that can do something stays also beyond what there may be; but nobody comes beyond that.
    const least = Math.max(settings.min, Math.min(this.#least, signals.agents));
    const limits = {...settings, min: least, max: Math.max(settings.max, least)};
    const {state, decision, againAtMs, heldBy} = decideScale(limits, this.#state, signals, nowMs);
    this.#state = state;
    this.#team.growthLimit = heldBy;
    this.#againAtMs = againAtMs;
    if (!decision) return null;
    // Seats of agents that have failed are taken, and not by any that can be counted or taken away.
    return {...decision, to: decision.to - this.#team.agents.count('gone')};
  }

  /** Less than was asked for: those that stayed are not asked for again until something of the plan is over. */
  noteDone({to}: {readonly to: number}, done: ScaleDecision): void {
    this.#hasNews = true;
    if (done.to > to && done.to <= done.from) this.#least = done.to + this.#team.agents.count('gone');
  }

  /** When to look next if nothing happens; null: there is no need. */
  get nextLookMs(): number | null {
    const soonestMs = this.#lastLookMs + LOOK_EVERY_MS;
    if (this.#hasNews) return soonestMs;
    return this.#againAtMs === null ? null : Math.max(this.#againAtMs, soonestMs);
  }

  #noteRecord(record: EngineRecord): void {
    const {id} = this.#team;
    switch (record.kind) {
      case 'attempt-leased':
        if (record.teamId !== id) return;
        this.#leased += 1;
        this.#idleSince.delete(record.agentId);
        break;
      case 'task-state': {
        if (record.teamId !== id) return;
        const task = this.#team.tasks[record.seq];
        if (!task) return;
        if (!isTerminal(record.state.name)) this.#isStale ||= !this.#width.covers(task);
        else {
          this.#width.ended(task);
          this.#least = 0;
        }
        break;
      }
      case 'tasks-created': {
        if (record.teamId !== id) return;
        const [first] = record.tasks;
        const group = first?.group === undefined || first.group === null ? undefined : this.#team.tasks[first.group];
        if (group) this.#width.expanded(group);
        else this.#isStale = true;
        break;
      }
      case 'attempt-ended':
      case 'agents':
      case 'team-settings':
        break;
      default:
        return;
    }
    this.#hasNews = true;
  }

  #signals(nowMs: number, settings: Autoscale, dispatcher: Dispatcher): ScaleSignals {
    const team = this.#team;
    const {agents} = team;
    const {queued, queuedWorkMs, unmanned, isLimited} = queueOf(team, dispatcher);
    const left = this.#leased;
    this.#leased = 0;
    this.#waits.note({length: queued, left, nowMs});
    if (isLimited) this.#limit = {slots: team.running, atMs: nowMs};
    else if (this.#limit && (nowMs > this.#limit.atMs + LIMIT_MS || team.running > this.#limit.slots))
      this.#limit = null;
    const failed = agents.count('gone');
    if (failed > this.#failed) this.#failedAtMs = nowMs;
    this.#failed = failed;
    const mostSlots = this.#limit?.slots ?? Number.POSITIVE_INFINITY;
    const staff = agents.groups.map((group, index) => ({group, agents: agents.living(index)}));
    const living = agents.livingInAll;
    const slots = staff.reduce((sum, {group, agents: count}) => sum + group.slots * count, 0);
    const slotsPerAgent = living === 0 ? (agents.groups[0]?.slots ?? 1) : slots / living;
    const metered = team.budget.usdPerHour;
    const running = [...team.attempts.values()].map(({task, leasedAt}) => ({task, startedMs: leasedAt.monoMs}));
    const expected = team.durations.expected.bind(team.durations);
    const untilMs = nowMs + LOOK_AHEAD_MS;
    const weights = weightsOf(team, 'queue');
    const next = agents.groups.filter((_, index) => (weights[index] ?? 0) > 0);
    const cost = hourlyCost({staff, next, running: running.length, metered: metered > 0 ? metered : null});
    return {
      agents: living + failed,
      busySlots: running.length,
      slots,
      queued,
      queuedWorkMs,
      unmanned,
      waitP90Ms: this.#waits.p90(nowMs),
      width: Math.max(this.#width.width, running.length),
      usdPerHour: cost.usdPerHour,
      slotsPerAgent,
      idleMs: this.#idle(nowMs),
      widthMayGrow: this.#width.mayGrow,
      demands: forecastDemand({nowMs, untilMs, running, queued, expected, most: settings.max * slotsPerAgent}),
      usdPerAgentHour: cost.usdPerAgentHour,
      mostSlots: nowMs < this.#failedAtMs + FAILED_MS ? Math.min(mostSlots, slots) : mostSlots,
    };
  }

  /** Since it was first seen idle, with no attempt in between; longest first. */
  #idle(nowMs: number): readonly number[] {
    const idle: number[] = [];
    for (const {id, state} of this.#team.agents.all) {
      if (state !== 'idle') {
        this.#idleSince.delete(id);
        continue;
      }
      const since = this.#idleSince.get(id) ?? nowMs;
      this.#idleSince.set(id, since);
      idle.push(nowMs - since);
    }
    return idle.sort((a, b) => b - a);
  }
}
