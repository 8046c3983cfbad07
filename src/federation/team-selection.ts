import type {Now} from '../base/clock.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {Failure} from '../model/failure.ts';
import type {AgentId, TaskSeq} from '../model/ids.ts';
import type {PastAttempt} from '../model/record.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import {renderTemplate} from '../plan/render.ts';
import type {Agent} from './agent.ts';
import {faultOf} from './agent-verdict.ts';
import type {Selection} from './agent-selector.ts';
import type {CostWish} from './cost-choice.ts';
import type {Verdict} from './ejections.ts';
import type {Kind} from './learned.ts';
import type {TaskNode} from './task-node.ts';
import type {TeamAgents} from './team-agents.ts';

/** Failures of so many tasks are remembered for the choice of who tries them next; of more, the oldest are forgotten. */
const MOST_TASKS = 10_000;

/** A group whose agents may do a task just now, and with what. */
export interface Option {
  readonly group: number;
  readonly means: AttemptMeans | undefined;
  /** How much of what its provider's account lets through is in use, 0 to 1. */
  readonly crowding: number;
}

/** For what an agent is wanted, and when. */
export interface Engagement {
  readonly now: Now;
  readonly options: readonly Option[];
  readonly strategy: StrategyChoice;
  /** Of the team's time, in milliseconds; null: it has as much as it takes. */
  readonly leftMs: number | null;
  /** Who is passed over, and why, beside those that have failed at it. */
  readonly besides?: ReadonlyMap<AgentId, string>;
  /** Who could do nothing where it is just now; null: nobody. */
  readonly barred: ReadonlyMap<AgentId, string> | null;
}

/** A past attempt, and when it ended by the monotonic clock of now. */
type Recalled = PastAttempt & {readonly atMs: number};

/** Which agent of a team does a task: asks its agents, and tells them how it went. */
export class TeamSelection {
  readonly #agents: TeamAgents;
  /** Who has failed at a task that has not succeeded yet. */
  readonly #failedAt = new Map<TaskSeq, Map<AgentId, string>>();
  /** By the id in the plan: who did last what somebody else is to review. */
  readonly #authors = new Map<string, AgentId>();
  #strategy: StrategyChoice;

  constructor(agents: TeamAgents, strategy: StrategyChoice) {
    this.#agents = agents;
    this.#strategy = strategy;
  }

  /** The agent for the task, at work on one attempt more from now on. */
  engage(task: TaskNode, {now, options, strategy, leftMs, besides, barred}: Engagement): Selection<Agent> | null {
    if (strategy !== this.#strategy) {
      this.#strategy = strategy;
      this.#agents.selector.use(strategy);
    }
    const known = this.#failedAt.get(task.seq) ?? this.#authorOf(task);
    const avoid = besides ? new Map([...(known ?? []), ...besides]) : known;
    return this.#agents.engage({
      nowMs: now.monoMs,
      candidates: options,
      kind: kindOf(task),
      affinity: strategy.name === 'consistent-hash' ? affinityOf(task) : task.id,
      ...(avoid ? {avoid} : {}),
      ...(barred ? {barred} : {}),
      ...costWish(task, leftMs),
    });
  }

  /** An attempt is over; `outcome` is null when it was lost. Returns when somebody left out may be tried again, if that is news. */
  ended(
    {agent, task, means}: {agent: Agent; task: TaskNode; means?: AttemptMeans | undefined},
    {outcome, now}: {outcome: AttemptOutcome | null; now: Now},
  ): number | null {
    const failure = outcome && !outcome.result.ok ? outcome.result.failure : null;
    const verdict = verdictOf(outcome, failure);
    if (verdict === 'succeeded' && task.spec.review) this.#authors.set(task.spec.id, agent.id);
    if (verdict === 'succeeded') this.#failedAt.delete(task.seq);
    else if (verdict === 'perhaps' && failure) this.#noteFailure(task.seq, agent.id, failure);
    return this.#agents.learn(agent, {
      task: task.id,
      kind: kindOf(task),
      verdict,
      durationMs: outcome?.durationMs ?? 0,
      usd: outcome?.usage.usd ?? null,
      nowMs: now.monoMs,
      ...(means ? {choice: {runtime: means.runtime, model: means.model}} : {}),
    });
  }

  /** What a daemon before this one has seen of an attempt that is over. */
  recall(agent: Agent, task: TaskNode, {result, durationMs, usd, means, atMs}: Recalled): void {
    const failure = result.ok ? null : result.failure;
    const verdict = failure === null ? 'succeeded' : faultOf(failure);
    if (verdict === 'succeeded' && task.spec.review) this.#authors.set(task.spec.id, agent.id);
    if (verdict === 'succeeded') this.#failedAt.delete(task.seq);
    else if (verdict === 'perhaps' && failure) this.#noteFailure(task.seq, agent.id, failure);
    this.#agents.selector.relearn(agent, {
      task: task.id,
      kind: kindOf(task),
      verdict,
      durationMs,
      usd,
      nowMs: atMs,
      ...(means ? {choice: {runtime: means.runtime, model: means.model}} : {}),
    });
  }

  /** Nobody is the best judge of what he has done himself. */
  #authorOf({spec}: TaskNode): ReadonlyMap<AgentId, string> | null {
    const author = spec.reviews === undefined ? undefined : this.#authors.get(spec.reviews);
    return author === undefined ? null : new Map([[author, 'it did what is to be reviewed']]);
  }

  #noteFailure(task: TaskSeq, agent: AgentId, {reason}: Failure): void {
    const failed = this.#failedAt.get(task) ?? new Map<AgentId, string>();
    this.#failedAt.delete(task);
    this.#failedAt.set(task, failed.set(agent, `its attempt at this task has failed (${reason})`));
    if (this.#failedAt.size <= MOST_TASKS) return;
    for (const oldest of this.#failedAt.keys()) {
      this.#failedAt.delete(oldest);
      return;
    }
  }
}

function verdictOf(outcome: AttemptOutcome | null, failure: Failure | null): Verdict {
  if (outcome === null) return 'none';
  return failure === null ? 'succeeded' : faultOf(failure);
}

/** Instances of the same `foreach` take about as long; of other tasks only those that ask the same can be compared. */
function kindOf({group, spec}: TaskNode): Kind {
  const {skills = NO_SKILLS} = spec;
  if (group) return {name: `foreach ${group.id}`, skills};
  return {name: `${spec.prompt === undefined ? 'command' : 'prompt'} ${skills.join(' ')}`, skills};
}

/** A task that has to come before others has its share of the time that is left for all of them. */
function costWish({spec: {preferredCost}, rank}: TaskNode, leftMs: number | null): CostWish {
  if (preferredCost === undefined) return {};
  return {preferredCost, ...(leftMs === null ? {} : {deadlineInMs: leftMs / rank})};
}

function affinityOf({spec, item, id}: TaskNode): string {
  return spec.affinity ? renderTemplate(spec.affinity, item) : id;
}

const NO_SKILLS: readonly string[] = [];
