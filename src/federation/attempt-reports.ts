import {never} from '../base/never.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import {failureText} from '../model/failure-text.ts';
import type {AnomalyWatch} from './anomaly-watch.ts';
import type {Deadlines} from './deadlines.ts';
import type {Dispatcher} from './dispatcher.ts';
import type {Input} from './engine-io.ts';
import type {Leases} from './leases.ts';
import type {Pool} from './pool.ts';
import type {TeamEndings} from './team-endings.ts';
import type {Attempt} from './team.ts';
import type {Teams} from './teams.ts';
import type {Turn} from './turn.ts';
import {asLoser, type Twins} from './twins.ts';
import type {Upkeep} from './upkeep.ts';

/** News of attempts, and of what became of their work. */
export type AttemptReport = Extract<
  Input,
  {
    type:
      | 'attempt-verifying'
      | 'attempt-finished'
      | 'attempt-session'
      | 'provider-signal'
      | 'merge-ended'
      | 'strays-gone'
      | 'output-read';
  }
>;

export interface AttemptReportsOptions {
  readonly teams: Teams;
  readonly leases: Leases;
  readonly endings: TeamEndings;
  readonly pool: Pool;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly upkeep: Upkeep;
  readonly twins: Twins;
  readonly anomalies: AnomalyWatch;
}

type ReportOf<T extends AttemptReport['type']> = Extract<AttemptReport, {type: T}>;

/** Takes in what is said of attempts, as far as it may be heard, and ends their leases. */
export class AttemptReports {
  readonly #options: AttemptReportsOptions;

  constructor(options: AttemptReportsOptions) {
    this.#options = options;
  }

  take(turn: Turn, report: AttemptReport): void {
    switch (report.type) {
      case 'attempt-verifying': {
        const attempt = this.#heard(turn, report);
        return attempt?.team.verifying(attempt);
      }
      case 'attempt-session': {
        const attempt = this.#heard(turn, report);
        return attempt?.team.noteSession(turn, attempt, report.session);
      }
      case 'provider-signal': {
        const {signal} = report;
        if (this.#heard(turn, report)) turn.effect({type: 'provider-signal', signal});
        return;
      }
      case 'attempt-finished':
        return this.#finished(turn, report);
      case 'merge-ended':
        return this.#mergeEnded(turn, report);
      case 'strays-gone':
        return this.#straysGone(turn, report);
      case 'output-read':
        return this.#outputRead(turn, report);
      default:
        never(report);
    }
  }

  /** Ends the lease (lost: without an outcome), frees the agent, and lets the team say what follows, perhaps another try later. */
  end(turn: Turn, attempt: Attempt, outcome: AttemptOutcome | null): void {
    const {leases, endings, pool, dispatcher, deadlines, upkeep, twins, anomalies} = this.#options;
    const {team, task} = attempt;
    leases.end(attempt);
    anomalies.ended(attempt.id);
    dispatcher.ended(attempt.means);
    pool.release(attempt);
    const dueMs = team.selection.ended(attempt, {outcome, now: turn.now});
    if (dueMs !== null) deadlines.add({atMs: dueMs, kind: 'look-again', teamId: team.id});
    const parked = upkeep.ended(turn, attempt, outcome);
    const retryAtMs = outcome ? team.finish(turn, attempt, outcome) : team.lose(turn, attempt);
    twins.stopLosers(turn, attempt);
    if (retryAtMs !== null) deadlines.add({atMs: retryAtMs, kind: 'retry', teamId: team.id, task});
    if (parked && !team.isOver && team.ending === null && team.agents.areAllGone) {
      return endings.end(turn, team, {by: 'no-agents', detail: failureText(parked)});
    }
    endings.settle(turn, team);
  }

  #heard(turn: Turn, {hostId, attempt: id, type: report}: Extract<AttemptReport, {hostId: unknown; attempt: unknown}>) {
    return this.#options.leases.heard(turn, {hostId, id, report});
  }

  #finished(turn: Turn, report: ReportOf<'attempt-finished'>): void {
    const attempt = this.#heard(turn, report);
    if (!attempt) return;
    const outcome = attempt.hasLost ? asLoser(report.outcome) : this.#options.upkeep.outcomeOf(attempt, report.outcome);
    signalEnd(turn, attempt, outcome);
    this.end(turn, attempt, outcome);
  }

  #mergeEnded(turn: Turn, {teamId: id, task: seq, attempt, result}: ReportOf<'merge-ended'>): void {
    const {teams, deadlines, endings} = this.#options;
    const team = teams.active.get(id);
    const task = team?.tasks[seq];
    if (!team || !task || task.state.name !== 'merging' || task.state.attempt !== attempt) return;
    const again = team.landing.mergeEnded(turn, task, result);
    if (again) {
      const kind = again.what === 'task' ? 'retry' : 'merge';
      deadlines.add({atMs: again.retryAtMs, kind, teamId: team.id, task});
    }
    endings.settle(turn, team);
  }

  #straysGone(turn: Turn, {hostId, attempts}: ReportOf<'strays-gone'>): void {
    const {leases, pool} = this.#options;
    for (const id of attempts) {
      const attempt = leases.open.get(id);
      if (attempt && pool.claimOrphan(hostId, attempt)) this.end(turn, attempt, null);
    }
  }

  #outputRead(turn: Turn, {teamId: id, task, output}: ReportOf<'output-read'>): void {
    const team = this.#options.teams.active.get(id);
    const source = team?.tasks[task];
    if (!team || !source) return;
    team.expandWith(turn, source, output);
    this.#options.endings.settle(turn, team);
  }
}

/** What the end of an attempt tells of its provider. */
function signalEnd(turn: Turn, {means}: Attempt, {result}: AttemptOutcome): void {
  if (!means) return;
  const {provider} = means;
  if (result.ok) turn.effect({type: 'provider-signal', signal: {provider, kind: 'ok', retryAfterMs: null}});
  else if (result.failure.reason === 'provider-limited') {
    const {kind, retryAfterMs} = result.failure;
    turn.effect({type: 'provider-signal', signal: {provider, kind, retryAfterMs}});
  }
}
