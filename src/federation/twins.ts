import type {AttemptOutcome} from '../model/attempt.ts';
import type {AgentId} from '../model/ids.ts';
import {speculateOf} from '../model/speculate.ts';
import {type Agent, freeSlots} from './agent.ts';
import {type Reach, stopAttempts} from './attempt-stops.ts';
import type {Deadlines} from './deadlines.ts';
import type {Dispatcher} from './dispatcher.ts';
import {isWithinShare, mostTwins, type Spread} from './speculation.ts';
import type {Option} from './team-selection.ts';
import type {Attempt, Lease, Team} from './team.ts';
import type {Turn} from './turn.ts';

export interface TwinsOptions {
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly reach: Reach;
  /** Who of a team could do nothing where it is just now; null: nobody. */
  readonly barred: (team: Team, options: readonly Option[]) => ReadonlyMap<AgentId, string> | null;
  /** Leases an attempt and tells its host. The caller of this has made sure of the agent. */
  readonly start: (turn: Turn, team: Team, lease: Omit<Lease, 'id'>) => Attempt;
}

/** An attempt that takes too long, by what its like have taken. */
interface Straggler {
  readonly attempt: Attempt;
  readonly spread: Spread;
}

/**
 * Second attempts beside those that take much longer than their like, as long as nothing else could be done with the agent.
 * Both are leased as every attempt is; the first that succeeds is the task's, and the other is stopped.
 */
export class Twins {
  readonly #options: TwinsOptions;

  constructor(options: TwinsOptions) {
    this.#options = options;
  }

  /** To be called once everything that is ready has been given out as far as possible. */
  look(turn: Turn, team: Team): void {
    const {twins} = team;
    const nowMs = turn.now.monoMs;
    if (team.ending !== null || team.isPaused || team.agents.freeInAll === 0) {
      twins.wanted = [];
      return;
    }
    if (nowMs < twins.lookMs) return this.#remind(team);
    const {stragglers, nextMs} = stragglersOf(team, nowMs);
    twins.wanted = [];
    twins.looked(nowMs, nextMs);
    this.#remind(team);
    for (const straggler of stragglers) {
      if (twins.running >= mostTwins(team.agents.livingInAll)) break;
      const {attempt} = straggler;
      // Asked again: one before it may have taken the last place that `max-parallel` leaves.
      if (mayBeDoubled(team, attempt) && isUrgent(team, attempt)) this.#double(turn, team, straggler);
    }
    // Whatever stands in the way of the others passes with an input, and in the turn of that they are looked at again.
    if (stragglers.some(({attempt}) => !attempt.hasTwin)) twins.lookMs = nowMs;
  }

  /** An attempt has ended: whatever has lost against it is stopped. */
  stopLosers(turn: Turn, {team, task}: Attempt): void {
    const losers = team.twins.losersAt(task).filter(({stopping}) => stopping === null);
    if (losers.length > 0) stopAttempts(turn, losers, {by: 'lost-race', reach: this.#options.reach});
  }

  #remind({id, twins}: Team): void {
    if (!Number.isFinite(twins.lookMs)) return;
    this.#options.deadlines.look({atMs: twins.lookMs, teamId: id, of: 'twin'});
  }

  #double(turn: Turn, team: Team, {attempt, spread}: Straggler): void {
    const {task} = attempt;
    const ready = team.ready.classOf(task);
    const opening = this.#options.dispatcher.openingFor(team, ready, task);
    const others = team.agents.all.filter(agent => agent !== attempt.agent && freeSlots(agent) > 0);
    if (!opening.go) {
      const isRoom = opening.because.kind === 'machine';
      const candidate = ready.candidates.find(({group}) => others.some(agent => agent.group === group));
      if (isRoom && candidate) team.twins.wanted = [...team.twins.wanted, candidate.choice?.runtime ?? null];
      return;
    }
    const options = opening.options.filter(
      option => isPaid(team, option) && others.some(agent => agent.group === option.group),
    );
    if (options.length === 0) return;
    const possible = others.filter(agent => options.some(option => option.group === agent.group));
    const besides = passedOver(attempt, possible);
    const {strategy} = team.settings;
    const selection = team.selection.engage(task, {
      now: turn.now,
      options,
      strategy,
      leftMs: team.timeLeftMs(turn.now),
      besides,
      barred: this.#options.barred(team, options),
    });
    if (!selection) return;
    const {agent, why} = selection;
    if (agent === attempt.agent || agent.host === null) {
      team.agents.release(agent, {usable: agent.isReachable});
      return;
    }
    const means = options.find(({group}) => group === agent.group)?.means;
    const lease = {task, agent, host: agent.host, means, why, beside: attempt};
    const twin = this.#options.start(turn, team, lease);
    const elapsedMs = Math.round(turn.now.monoMs - attempt.runsSinceMs);
    turn.emit(team.id, {
      type: 'attempt-speculated',
      task: task.id,
      attempt: twin.id,
      twinOf: attempt.id,
      why: {elapsedMs, ...spread},
    });
  }
}

/** What is recorded of an attempt that has lost: what it has used and left behind, and that nothing came of it. */
export function asLoser(outcome: AttemptOutcome): AttemptOutcome {
  const {result} = outcome;
  if (!result.ok) return outcome;
  return {...outcome, result: {ok: false, failure: {reason: 'stopped', by: 'lost-race'}}, outputBytes: null};
}

/** What takes too long already, the longest first, and when the next one may (Infinity: not by the clock alone). */
function stragglersOf(team: Team, nowMs: number): {stragglers: Straggler[]; nextMs: number} {
  const stragglers: (Straggler & {readonly overMs: number})[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const attempt of team.attempts.values()) {
    if (!mayBeDoubled(team, attempt)) continue;
    const spread = team.twins.spreadOf(attempt.task);
    if (spread === null) continue;
    const dueMs = attempt.runsSinceMs + spread.limitMs;
    if (dueMs <= nowMs) stragglers.push({attempt, spread, overMs: nowMs - dueMs});
    else nextMs = Math.min(nextMs, dueMs);
  }
  return {stragglers: stragglers.sort((a, b) => b.overMs - a.overMs), nextMs};
}

function mayBeDoubled(team: Team, attempt: Attempt): boolean {
  const {task, stopping, isHeld, hasTwin, twinOf, hasLost} = attempt;
  if (stopping !== null || isHeld || hasLost) return false;
  // Two in all: were each to have another one beside it, the task might go on for ever without a failure that counts.
  if (hasTwin || twinOf !== null || team.twins.hasTwo(task)) return false;
  const {spec, group} = task;
  const mostAtATime = spec.maxParallel ?? Number.POSITIVE_INFINITY;
  return team.twins.mayRunTwice(task, team.spec) && (!group?.members || group.members.running < mostAtATime);
}

/** Nothing waits for an agent, or what waits has less of the plan behind it. */
function isUrgent({ready}: Team, {task}: Attempt): boolean {
  if (ready.size === 0) return true;
  for (const each of ready.classes()) {
    const head = ready.head(each);
    if (head && head.rank > task.rank) return false;
  }
  return true;
}

function isPaid({spec, budget, totals, twins}: Team, {means}: Option): boolean {
  const {budgetShare: share} = speculateOf(spec);
  return isWithinShare(means, {share, spent: twins.spent, limit: budget.limit, attempts: totals.attempts});
}

/** The agent of the first, and all that are on its host where somebody is free on another one. */
function passedOver({agent, host}: Attempt, possible: readonly Agent[]): ReadonlyMap<AgentId, string> {
  const passed = new Map([[agent.id, 'it is at work on the first attempt']]);
  if (possible.every(each => each.host === host)) return passed;
  for (const each of possible) if (each.host === host) passed.set(each.id, 'the first attempt is on its host');
  return passed;
}
