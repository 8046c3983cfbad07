import {plural, usdText} from '../base/amount.ts';
import type {ModelChoice} from '../model/agent.ts';
import type {Cap} from '../model/budget.ts';
import {type Gate, type ProviderId, providerOf} from '../model/provider.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {Demand, Effect, Input} from './engine-io.ts';
import type {ReadyClass} from './ready-queue.ts';
import {type Candidate, unmet} from './requirement.ts';
import type {TaskNode} from './task-node.ts';
import type {Option} from './team-selection.ts';
import {capped, limitedBy} from './attempt-limits.ts';
import type {Team} from './team.ts';

/** What an attempt may start with, or what is in the way. */
export type Opening =
  /** Groups that are equally good for it, one at least. */
  | {readonly go: true; readonly task: TaskNode; readonly options: readonly Option[]}
  | {readonly go: false; readonly because: Obstacle};

/** `nobody`: no agent of the team can ever do it. `gone`: those that could do not work. `pace`: what an hour may cost is used up. */
export interface Obstacle {
  readonly kind: 'nobody' | 'gone' | 'agents' | 'budget' | 'pace' | 'provider' | 'machine';
  /** For people, to follow "waiting for". */
  readonly why: string;
  /** When it may have passed (monotonic), where that can be said. */
  readonly untilMs?: number;
  /** Nobody is there who could do it, busy or not. */
  readonly isVacant?: boolean;
}

/** What may pass by itself says more of a task than what will not: as long as one agent may do it later, it waits. */
const LASTING: Readonly<Record<Obstacle['kind'], number>> = {
  machine: 0,
  provider: 0,
  agents: 0,
  pace: 0,
  budget: 1,
  gone: 2,
  nobody: 3,
};

/** That those who are there cannot be paid says more than that others, who could be, are not there. */
const VACANT = 1.5;

function lasting({kind, isVacant = false}: Obstacle): number {
  return isVacant ? VACANT : LASTING[kind];
}

export interface DispatcherOptions {
  /** Memory to set aside for an attempt of a runtime (null: of a command), in bytes. */
  readonly memoryOf: (runtime: string | null) => number;
}

/** Why a group of the team should not be given anything for this runtime and provider just now; null: nothing is known against it. */
export type RuntimeObstacle = (
  team: Team,
  at: {readonly group: number; readonly runtime: string; readonly provider: string},
) => string | null;

type Want = Omit<Extract<Effect, {type: 'want-permits'}>, 'type'>;

/**
 * What attempts share beyond their team: permits and memory of the machine, and the providers' gates. Says which task of a
 * team may start next, and how much all teams could use.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #permits = 0;
  #memoryBytes: number | null = null;
  #why: string | null = null;
  #gates: ReadonlyMap<ProviderId, Gate> = new Map();
  readonly #running = new Map<ProviderId, number>();
  #count = 0;
  #reservedBytes = 0;
  #asked: Want = {want: 0, memoryBytes: 0, providers: []};
  readonly #runtimeObstacle: RuntimeObstacle;

  constructor(options: DispatcherOptions, runtimeObstacle: RuntimeObstacle = () => null) {
    this.#options = options;
    this.#runtimeObstacle = runtimeObstacle;
  }

  get permits(): {granted: number; why: string | null} {
    return {granted: this.#permits, why: this.#why};
  }

  get isFull(): boolean {
    return this.#count >= this.#permits;
  }

  /** Returns what limits, if that is news. */
  grant({permits, memoryBytes, why, gates = []}: Extract<Input, {type: 'permits'}>): string | null {
    const isNews = why !== null && why !== this.#why;
    this.#permits = permits;
    this.#memoryBytes = memoryBytes ?? null;
    this.#why = why;
    this.#gates = new Map(gates.map(gate => [gate.provider, gate]));
    return isNews ? why : null;
  }

  started(means: AttemptMeans | undefined): void {
    this.#add(means, 1);
  }

  ended(means: AttemptMeans | undefined): void {
    this.#add(means, -1);
  }

  /** What the team may start next: of all the classes whose head may go, the one whose head goes first. */
  nextOf(team: Team, goesBefore: (a: TaskNode, b: TaskNode) => boolean): (Opening & {go: true; of: ReadyClass}) | null {
    let best: (Opening & {go: true; of: ReadyClass}) | null = null;
    for (const ready of team.ready.classes()) {
      const task = team.ready.head(ready);
      if (!task || (best && !goesBefore(task, best.task))) continue;
      const opening = this.openingFor(team, ready, task);
      if (opening.go) best = {...opening, of: ready};
    }
    return best;
  }

  /** What keeps the tasks of a class from running; null: nothing but their turn. */
  obstacle(team: Team, ready: ReadyClass): Obstacle | null {
    const task = team.ready.head(ready);
    const opening = task && this.openingFor(team, ready, task);
    return opening && !opening.go ? opening.because : null;
  }

  /** How much could be used now if nothing limited it but the teams' own agents. Null: about what was asked for last. */
  demand(teams: Iterable<Team>): Want | null {
    const wanted = this.#wantedBy(teams);
    const {want, memoryBytes, providers} = wanted;
    const before = this.#asked;
    const more =
      want > before.want ||
      memoryBytes > before.memoryBytes ||
      providers.some(({provider, want: amount}) => amount > wantOf(before, provider));
    // Given back only when much less is needed, to be left alone by jitter.
    const less =
      (want === 0 ? before.want > 0 : want * 2 <= before.want) ||
      before.providers.some(({provider, want: amount}) => wantOf(wanted, provider) * 2 <= amount && amount > 0);
    if (!more && !less) return null;
    this.#asked = wanted;
    return wanted;
  }

  /** What runs now of what the ledger counts. */
  running(): {
    readonly attempts: number;
    readonly memoryBytes: number;
    readonly providers: ReadonlyMap<ProviderId, number>;
  } {
    return {attempts: this.#count, memoryBytes: this.#reservedBytes, providers: this.#running};
  }

  /** What an attempt at a task of this class could start with now, or what is in the way. */
  openingFor(team: Team, {requirement, candidates}: ReadyClass, task: TaskNode): Opening {
    if (candidates.length === 0) return no('nobody', unmet(requirement));
    let because: Obstacle | null = null;
    const options: Option[] = [];
    let tier = 0;
    for (const candidate of candidates) {
      if (options.length > 0 && candidate.tier !== tier) break;
      const means = this.#meansFor(team, task, candidate);
      if ('kind' in means) because = because && lasting(because) <= lasting(means) ? because : means;
      else {
        tier = candidate.tier;
        options.push({group: candidate.group, means: means.means, crowding: this.#crowding(means.means)});
      }
    }
    if (options.length > 0) return {go: true, task, options};
    return {go: false, because: because ?? {kind: 'agents', why: 'an agent'}};
  }

  /** How much of what the provider lets through is in use, 0 to 1. */
  #crowding(means: AttemptMeans | undefined): number {
    const gate = means && this.#gates.get(means.provider);
    return gate && gate.permits > 0 ? Math.min(1, (this.#running.get(gate.provider) ?? 0) / gate.permits) : 0;
  }

  #meansFor(
    team: Team,
    task: TaskNode,
    {group, choice}: Candidate,
  ): {readonly means: AttemptMeans | undefined} | Obstacle {
    if (team.agents.free(group) <= 0) {
      // Where nobody is, somebody could come; but not if that could not be paid.
      const isPaid = !choice || team.agents.living(group) > 0 || team.budget.capFor(task.spec, choice, team.totals);
      return choice && !isPaid ? unpaid(team, task, choice) : busy(team, group);
    }
    let cap: Cap | null = null;
    if (choice) {
      cap = team.budget.capFor(task.spec, choice, team.totals);
      if (cap === null) return unpaid(team, task, choice);
      const provider = providerOf(choice.runtime, choice.model);
      const gate = this.#gates.get(provider);
      if (gate && (this.#running.get(provider) ?? 0) >= gate.permits) {
        return {kind: 'provider', why: gate.why ?? `the provider ${provider}`};
      }
      const shut = this.#runtimeObstacle(team, {group, runtime: choice.runtime, provider});
      if (shut !== null) return {kind: 'provider', why: shut};
    }
    if (team.overload !== null) return {kind: 'machine', why: team.overload};
    if (this.isFull) return {kind: 'machine', why: this.#why ?? 'their turn'};
    const memory = this.#options.memoryOf(choice?.runtime ?? null);
    if (this.#memoryBytes !== null && this.#count > 0 && this.#reservedBytes + memory > this.#memoryBytes) {
      return {kind: 'machine', why: this.#why ?? 'memory'};
    }
    if (!choice || !cap) return {means: undefined};
    const {runtime, model} = choice;
    const allowed = capped(cap, limitedBy(task.spec, team.agents.groups[group]));
    return {means: {runtime, model, provider: providerOf(runtime, model), cap: allowed}};
  }

  #wantedBy(teams: Iterable<Team>): Want {
    let want = this.#count;
    let memoryBytes = this.#reservedBytes;
    let more: Map<ProviderId, number> | null = null;
    for (const team of teams) {
      for (const runtime of team.twins.wanted) {
        want += 1;
        memoryBytes += this.#options.memoryOf(runtime);
      }
      if (!team.canStart) continue;
      const free = team.agents.groups.map((_, group) => team.agents.free(group));
      for (const {candidates, tasks} of team.ready.classes()) {
        let left = tasks.size;
        for (const {group, choice} of candidates) {
          const some = Math.min(left, free[group] ?? 0);
          if (some <= 0) continue;
          left -= some;
          free[group] = (free[group] ?? 0) - some;
          want += some;
          memoryBytes += some * this.#options.memoryOf(choice?.runtime ?? null);
          if (!choice) continue;
          const provider = providerOf(choice.runtime, choice.model);
          more ??= new Map();
          more.set(provider, (more.get(provider) ?? 0) + some);
        }
      }
    }
    return {want, memoryBytes, providers: this.#demands(more)};
  }

  #demands(more: ReadonlyMap<ProviderId, number> | null): readonly Demand[] {
    if (this.#running.size === 0 && more === null) return NO_DEMANDS;
    const providers = new Set([...this.#running.keys(), ...(more?.keys() ?? [])]);
    return [...providers].map(provider => {
      const running = this.#running.get(provider) ?? 0;
      return {provider, running, want: running + (more?.get(provider) ?? 0)};
    });
  }

  #add(means: AttemptMeans | undefined, sign: 1 | -1): void {
    this.#count += sign;
    this.#reservedBytes += sign * this.#options.memoryOf(means?.runtime ?? null);
    if (!means) return;
    const running = (this.#running.get(means.provider) ?? 0) + sign;
    if (running > 0) this.#running.set(means.provider, running);
    else this.#running.delete(means.provider);
  }
}

const NO_DEMANDS: readonly Demand[] = [];

function wantOf({providers}: Want, provider: ProviderId): number {
  return providers.find(demand => demand.provider === provider)?.want ?? 0;
}

/** Why a team that scales by itself has no more agents for what waits, to go on a sentence. */
function growthText({growthLimit, settings: {autoscale}}: Team): string {
  switch (growthLimit) {
    case 'max':
      return `, and there may be ${autoscale?.max ?? 0} at most`;
    case 'cost':
      return `, and another one would cost more than the ${usdText(autoscale?.maxCostPerHour ?? 0)} an hour that it may`;
    case 'threshold':
      return `, and more come when more than ${plural(autoscale?.scaleUpThreshold ?? 0, 'task')} wait`;
    case 'machine':
      return ', and the machine or an account lets no more run';
    case null:
      return '';
  }
}

function busy(team: Team, group: number): Obstacle {
  const {agents} = team;
  if (agents.areGone([group])) return {kind: 'gone', why: 'an agent that works'};
  if (agents.living(group) === 0) {
    return {kind: 'agents', why: 'an agent: none that can do it is left', isVacant: true};
  }
  if (agents.count('busy') > 0) return {kind: 'agents', why: `every agent is busy${growthText(team)}`};
  if (agents.count('starting') > 0) return {kind: 'agents', why: 'agents are starting'};
  return {kind: 'agents', why: agents.count('paused') > 0 ? 'agents that are paused' : 'no agent works'};
}

function unpaid({budget, totals}: Team, {spec}: TaskNode, choice: ModelChoice): Obstacle {
  const untilMs = budget.hourAllowsAt(spec, choice, totals);
  if (untilMs === null) return {kind: 'budget', why: 'the budget: what is left of it is used or reserved'};
  return {kind: 'pace', why: 'the budget: what an hour may cost is used or reserved', untilMs};
}

function no(kind: Obstacle['kind'], why: string): Opening {
  return {go: false, because: {kind, why}};
}
