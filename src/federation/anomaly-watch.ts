import type {AttemptId, TeamId} from '../model/ids.ts';
import type {Vitals} from '../model/health.ts';
import type {Attempt, Team} from './team.ts';
import {TeamLoad} from './team-load.ts';
import type {Turn} from './turn.ts';

/** How often agents are compared with one another, and what they use is looked at. */
const INTERVAL_MS = 5000;

/** What is known of the use of an attempt, and how that was when it was last looked at. */
interface Use {
  readonly rssBytes: number | null;
  readonly outputBytes: number;
  readonly atMs: number;
}

interface Watched {
  latest: Pick<Use, 'rssBytes' | 'outputBytes'>;
  before: Use;
}

/** Looks for agents that stand out from their peers, now and then, and tells of each once until that is over. */
export class AnomalyWatch {
  readonly #attempts = new Map<AttemptId, Watched>();
  readonly #load = new TeamLoad<AttemptId>();
  /** When each team is to be looked at next (monotonic). */
  readonly #due = new Map<TeamId, number>();

  /** What a host says of attempts that are leased to it. */
  vitals({now}: Turn, vitals: readonly Vitals[], attemptOf: (id: number) => Attempt | undefined): void {
    for (const said of vitals) {
      const {attempt: id, rssBytes, outputBytes} = said;
      const attempt = attemptOf(id);
      if (!attempt) continue;
      if (attempt.team.spec.plan?.limits) this.#load.heard(attempt.id, said, now.monoMs);
      const known = this.#attempts.get(attempt.id);
      if (known) known.latest = {rssBytes, outputBytes};
      else {
        const latest = {rssBytes, outputBytes};
        this.#attempts.set(attempt.id, {latest, before: {...latest, atMs: now.monoMs}});
      }
    }
  }

  ended(id: AttemptId): void {
    this.#attempts.delete(id);
    this.#load.ended(id);
  }

  teamOver(id: TeamId): void {
    this.#due.delete(id);
  }

  /** To be called in every turn; does something when it is time to. */
  look(turn: Turn, team: Team): void {
    const nowMs = turn.now.monoMs;
    this.#weigh(turn, team);
    if (nowMs < (this.#due.get(team.id) ?? 0)) return;
    this.#due.set(team.id, nowMs + INTERVAL_MS);
    for (const attempt of team.attempts.values()) this.#sample(team, attempt, nowMs);
    for (const {agent, what, value, median} of team.agents.selector.compareAll()) {
      turn.emit(team.id, {type: 'agent-anomaly', agent, what, value: rounded(value), median: rounded(median)});
    }
  }

  /** Whether the team uses too much together, which is told once until it is over. */
  #weigh(turn: Turn, team: Team): void {
    const limits = team.spec.plan?.limits;
    if (!limits) return;
    const wasOver = team.overload !== null;
    const why = this.#load.excess(limits, {ids: team.attempts.keys(), wasOver, nowMs: turn.now.monoMs});
    if (why !== null && why !== team.overload) turn.emit(team.id, {type: 'waiting-for-capacity', why});
    team.overload = why;
  }

  #sample({agents}: Team, {id, agent, isHeld}: Attempt, nowMs: number): void {
    const known = this.#attempts.get(id);
    if (!known) return;
    const {latest, before} = known;
    const seconds = (nowMs - before.atMs) / 1000;
    if (seconds * 1000 < INTERVAL_MS / 2) return;
    known.before = {...latest, atMs: nowMs};
    // What is paused uses nothing, and says nothing.
    if (isHeld) return;
    const growth =
      latest.rssBytes === null || before.rssBytes === null
        ? null
        : Math.max(0, latest.rssBytes - before.rssBytes) / seconds;
    const output = Math.max(0, latest.outputBytes - before.outputBytes) / seconds;
    agents.selector.used(agent.id, {growth, output}, nowMs);
  }
}

/** Three digits say enough. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
