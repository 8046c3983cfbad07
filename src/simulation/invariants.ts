import type {Now} from '../base/clock.ts';
import type {Effect, Input, Step} from '../federation/engine-io.ts';
import type {ModelChoice} from '../model/agent.ts';
import type {AttemptId} from '../model/ids.ts';
import type {StateRecord, StoredState} from '../model/record.ts';
import {isFinal} from '../model/team.ts';
import {checkAgent} from './check-agents.ts';
import {checkDecided, checkPerformed} from './check-effect.ts';
import {checkEvents} from './check-events.ts';
import {checkBounds, checkBranch, checkMergesAreAskedAgain} from './check-landing.ts';
import {checkLease, checkOrder, checkTwin} from './check-lease.ts';
import {checkFairness, checkIdle, checkPreference} from './check-passed-over.ts';
import {checkReasons} from './check-reasons.ts';
import {checkRecord} from './check-record.ts';
import {checkScaling, staffOf} from './check-scaling.ts';
import {checkStale, staleReport} from './check-stale.ts';
import {checkLosers, checkPauses, checkStopping} from './check-stops.ts';
import {checkStore} from './check-store.ts';
import {checkTask} from './check-task.ts';
import {checkTeamOver, checkView} from './check-view.ts';
import {DaemonLife, type LifeFacts} from './daemon-life.ts';
import type {EngineUnderTest} from './engine-under-test.ts';
import type {LedgerAttempt, LedgerTeam} from './ledger-entries.ts';
import {LeftOut} from './left-out.ts';
import {ShownAgents} from './shown-agents.ts';
import type {Surroundings} from './surroundings.ts';
import {hold} from './violation.ts';

/**
 * Watches every step of the engine and every act of the daemon, and throws a `Violation` at the first thing that must
 * never be. What it knows comes from the records, the inputs and the machine, never from the engine.
 */
export class Invariants {
  readonly #around: Surroundings;
  readonly #life: DaemonLife;
  readonly #facts: LifeFacts;
  readonly #shown: ShownAgents;
  readonly #leftOut = new LeftOut();
  readonly #acknowledged = new Set<AttemptId>();
  #handled = 0;

  constructor(around: Surroundings) {
    const {ledger, now} = around;
    this.#around = around;
    this.#shown = new ShownAgents(now);
    this.#life = new DaemonLife(ledger, this.#shown);
    this.#facts = {ledger, life: this.#life};
  }

  daemonStarts(stored: StoredState): void {
    const {ledger, now} = this.#around;
    const open = new Set(stored.teams.flatMap(team => team.openAttempts.map(attempt => attempt.id)));
    for (const id of this.#acknowledged) {
      const survived = !open.has(id) && ledger.attempts.get(id)?.outcome !== undefined;
      hold('an acknowledged report survives', survived, () => `attempt ${id}`);
    }
    this.#life.begin(now().monoMs);
    ledger.forgetStops();
    checkStore(stored, ledger);
    for (const {tasks} of ledger.live) {
      // After a restart the delay is counted by the wall clock, which anybody may set.
      for (const task of tasks) task.retryDueMs = null;
    }
  }

  daemonDies(): void {
    this.#around.ledger.rollback();
    this.#life.end();
    this.#leftOut.forget();
  }

  /** After every call of `handle` (`input` is null for the step of a restore). */
  handled(input: Input | null, step: Step, engine: EngineUnderTest): void {
    const {ledger, machine, itemsOf, branch} = this.#around;
    const life = this.#life;
    const now = this.#around.now();
    const stale = input && staleReport(input, ledger);
    ledger.touched.clear();
    this.#shown.begin(engine);
    if (input) life.learn(input, step);
    if (input?.type === 'vitals' && step.records.length + step.effects.length === 0) return;
    const staff = staffOf(ledger, step);
    const leased: LedgerAttempt[] = [];
    const finished: Extract<StateRecord, {kind: 'team-finished'}>[] = [];
    for (const record of step.records) {
      if (record.kind === 'event') {
        life.learnEvent(record.event);
        continue;
      }
      checkRecord(record, {around: this.#around, life, input});
      ledger.apply(record, now);
      life.learnRecord(record);
      if (record.kind === 'attempt-leased') leased.push(this.#checkLeased(record.id, now));
      if (record.kind === 'team-finished') finished.push(record);
    }
    if (stale) checkStale(stale, step, ledger);
    for (const effect of step.effects) {
      checkDecided(effect, {around: this.#around, life});
      life.learnEffect(effect);
    }
    if (input === null) checkMergesAreAskedAgain(step, ledger);
    checkScaling(staff, {input, step, ledger, isFailed: (team, agent) => life.agents.isFailed(team, agent)});
    for (const task of ledger.touched) {
      checkTask(task, {itemsOf, branch, mayFailToExpand: source => life.isUnreadable(source)});
    }
    for (const attempt of leased) this.#checkChosen(attempt, now);
    checkEvents(step, ledger);
    for (const record of finished) checkTeamOver(ledger.team(record.id), record, machine);
    checkTimers(input, engine, now);
    for (const team of ledger.live) this.#checkTeam(team, {input, engine, now});
    this.#handled += 1;
    if (this.#handled % 7 === 0 || input === null) {
      for (const team of ledger.live) checkView(team, engine.view(team.id, {now}));
    }
    if (input === null || input.type === 'tick') {
      for (const team of ledger.live) if (team.ending === null) checkReasons(team, engine, now);
    }
  }

  committed(): void {
    this.#around.ledger.commit();
  }

  acknowledges(input: Input): void {
    const {ledger} = this.#around;
    hold('no acknowledgement before its records', ledger.uncommitted === 0, () => input.type);
    if (input.type !== 'attempt-finished') return;
    const attempt = ledger.attempts.get(input.attempt);
    hold('an acknowledged report is recorded', attempt?.outcome !== undefined, () => `attempt ${input.attempt}`);
    this.#acknowledged.add(input.attempt);
  }

  performs(effect: Effect): void {
    checkPerformed(effect, this.#around);
  }

  /** When the world has come to rest. */
  atRest(engine: EngineUnderTest): void {
    const {ledger, machine} = this.#around;
    hold('no lease is left', ledger.open.size === 0, () => [...ledger.open].map(({id}) => id).join(','));
    hold('no process is left', machine.liveCount === 0, () => `${machine.liveCount} process trees`);
    hold('no timer is left', engine.nextDeadlineMs() === null, () => `next at ${engine.nextDeadlineMs()}`);
    for (const team of ledger.teams.values()) {
      hold('every team comes to its end', isFinal(team.state), () => `${team.spec.name} is ${team.state}`);
      const view = engine.view(team.id, {now: this.#around.now()});
      if (view) checkView(team, view);
      for (const task of team.tasks) if (task.state.name === 'succeeded') checkBranch(task, this.#around.branch);
    }
    for (const [key, {attempt: id}] of this.#around.branch.merges) {
      const attempt = ledger.attempts.get(id);
      hold('what is merged is recorded', attempt?.merge?.kind === 'merged', () => `attempt ${id} of ${key}`);
    }
  }

  /** When the ledger has a new lease, before it has what follows in the same step. */
  #checkLeased(id: AttemptId, now: Now): LedgerAttempt {
    const {ledger, machine} = this.#around;
    const {agents, edges, room, sinceMs} = this.#life;
    const attempt = ledger.attempt(id);
    const {task, agentId, hostId, means} = attempt;
    checkLease(attempt, now.monoMs);
    checkBounds(task);
    const {permits} = room;
    hold('no more attempts than permits', ledger.open.size <= permits, () => {
      return `attempt ${id} is number ${ledger.open.size} of ${permits}`;
    });
    checkAgent(attempt, {
      room,
      open: ledger.open,
      isKnown: kind => this.#life.isKnown(kind),
      nowMs: now.monoMs,
      livesSinceMs: sinceMs,
    });
    const open = means && edges.openOn(hostId, means);
    hold('nothing is given to where a breaker is open', !open, () => `attempt ${id} on ${hostId}: ${open}`);
    agents.leased(attempt);
    hold('work goes to agents that are ready', agents.isReady(agentId, hostId), () => `${agentId} on ${hostId}`);
    hold('work goes to agents of the team', agents.isOf(agentId, task.team.id), () => agentId);
    const other = machine.liveOf(task.team.id, task.seq)[0];
    const isTwin = other !== undefined && other.attempt === attempt.twinOf;
    hold('no lease while an old process lives', !other || isTwin, () => `attempt ${id} while ${other?.attempt} runs`);
    checkFairness(attempt, now, this.#facts);
    return attempt;
  }

  /** When all of the step is known: whether it was this one's turn. */
  #checkChosen(attempt: LedgerAttempt, now: Now): void {
    if (attempt.twinOf !== null) return checkTwin(attempt);
    const {team} = attempt.task;
    const {room, edges} = this.#life;
    const isShut = (choice: ModelChoice | null) => edges.isShut(team.id, choice);
    checkOrder(attempt, {monoMs: now.monoMs, room, open: this.#around.ledger.open, isShut});
    checkPreference(attempt, this.#facts);
  }

  /** What must be true of a team that is not over after any input at all. */
  #checkTeam(team: LedgerTeam, now: {input: Input | null; engine: EngineUnderTest; now: Now}): void {
    if (team.ending !== null) return checkStopping(team, this.#facts);
    const {input} = now;
    if (input?.type === 'attempt-finished' || input?.type === 'tick') this.#leftOut.check(team, this.#shown.all(team));
    checkPauses(team, this.#facts);
    checkLosers(team, this.#facts);
    checkIdle(team, now, this.#facts);
  }
}

function checkTimers(input: Input | null, engine: EngineUnderTest, now: Now): void {
  if (input?.type !== 'tick') return;
  const nextMs = engine.nextDeadlineMs();
  hold('a timer that has fired is gone', nextMs === null || nextMs > now.monoMs, () => `${nextMs}`);
}
