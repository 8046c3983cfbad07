import type {Now} from '../base/clock.ts';
import type {Effect, Input, Step} from '../federation/engine-io.ts';
import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {StateRecord, StoredState} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {isFinal, type TeamSpec} from '../model/team.ts';
import {checkAgent, kindOf} from './check-agents.ts';
import {checkScaling, staffOf} from './check-scaling.ts';
import {checkEvents} from './check-events.ts';
import {checkAssignment, checkBounds, checkBranch, checkMerge, checkMergesAreAskedAgain} from './check-landing.ts';
import {checkLease, checkOrder, checkTwin} from './check-lease.ts';
import {checkReasons} from './check-reasons.ts';
import {checkTask} from './check-task.ts';
import {checkTeamOver, checkView} from './check-view.ts';
import type {EngineUnderTest} from './engine-under-test.ts';
import {type Ledger, type LedgerAttempt, type LedgerTask, type LedgerTeam, livingOf} from './ledger.ts';
import {isReady} from './oracle.ts';
import {Room} from './room.ts';
import type {SimulatedBranch} from './simulated-branch.ts';
import type {SimulatedMachine} from './simulated-machine.ts';
import {hold} from './violation.ts';
import {choiceOf, isSurelyPaid, likes, mayDo, providerFor} from './who-does-it.ts';

export interface Surroundings {
  readonly ledger: Ledger;
  readonly machine: SimulatedMachine;
  readonly branch: SimulatedBranch;
  readonly now: () => Now;
  /** Whether a living host says it holds the attempt. */
  /** When the host last hung; null: it never has. */
  readonly lastHungMs: (host: HostId) => number | null;
  readonly isHeld: (attempt: AttemptId) => boolean;
  /** For how long it has done nothing; null: it does not run. */
  readonly silentMs: (attempt: AttemptId) => number | null;
  /** The items that the source of a `foreach` has really printed. */
  readonly itemsOf: (group: LedgerTask) => readonly unknown[] | null;
}

/**
 * Watches every step of the engine and every act of the daemon, and throws a `Violation` at the first thing that must
 * never be. What it knows comes from the records, the inputs and the machine, never from the engine.
 */
export class Invariants {
  readonly #around: Surroundings;
  /** The hosts that are connected, with the agents they have acknowledged. */
  readonly #connected = new Map<HostId, Set<AgentId>>();
  /** Where an agent was last sent: a host goes on naming those that have moved away, until they are opened there again. */
  readonly #placedOn = new Map<AgentId, HostId>();
  readonly #teamOf = new Map<AgentId, TeamId>();
  /** Attempts whose host has been told to stop them, over its present connection. */
  readonly #stopped = new Set<AttemptId>();
  /** Agents that somebody has had killed or restarted. */
  readonly #ordered = new Set<AgentId>();
  /** Agents that are opened anew as soon as they have nothing to do any more, whatever their host says of them until then. */
  readonly #restarting = new Set<AgentId>();
  /** What the breakers of hosts are known to be that are not closed, with when that was heard. */
  readonly #edges = new Map<HostId, Map<string, 'open' | 'half-open'>>();
  /** Attempts that their host has been told to hold. */
  readonly #held = new Set<AttemptId>();
  /** Who was given nothing because of how it had done when that was last looked at, and of how many. */
  readonly #leftOut = new Map<TeamId, {readonly agents: ReadonlySet<AgentId>; readonly of: number}>();
  readonly #acknowledged = new Set<AttemptId>();
  /** Sources whose output could not be read: their `foreach` may fail. */
  readonly #unreadable = new Set<LedgerTask>();
  /** Agents that have failed and where, as far as this life of the daemon knows. */
  readonly #failed = new Map<AgentId, HostId>();
  readonly #createdAt = new Map<TeamId, Now>();
  /** What the engine has been told of limits in this life of the daemon. */
  readonly #room = new Room();
  /** Kinds of prompts of which this life of the daemon has seen what they use. */
  readonly #known = new Set<string>();
  /** Teams some of whose agents the engine has given up, in this life of the daemon, as their runtime died at each start. */
  readonly #parked = new Set<TeamId>();
  /** By team and runtime: whether the last attempt with it died at its start. */
  readonly #died = new Map<string, boolean>();
  /** When this life of the daemon began. */
  #livesSinceMs = 0;
  /** What the engine says of the agents of a team, asked at most once a step. */
  readonly #views = new Map<TeamId, readonly AgentView[]>();
  #engine: EngineUnderTest | null = null;
  #handled = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  daemonStarts(stored: StoredState): void {
    const open = new Set(stored.teams.flatMap(team => team.openAttempts.map(attempt => attempt.id)));
    for (const id of this.#acknowledged) {
      const survived = !open.has(id) && this.#around.ledger.attempts.get(id)?.outcome !== undefined;
      hold('an acknowledged report survives', survived, () => `attempt ${id}`);
    }
    this.#livesSinceMs = this.#around.now().monoMs;
    this.#around.ledger.forgetStops();
    for (const team of stored.teams) this.#compareWithStore(team);
    for (const {id, tasks} of this.#around.ledger.live) {
      // After a restart the delay is counted by the wall clock, which anybody may set.
      for (const task of tasks) task.retryDueMs = null;
      hold(
        'what was committed is there after a crash',
        stored.teams.some(team => team.id === id),
        () => `team ${id}`,
      );
    }
  }

  daemonDies(): void {
    this.#around.ledger.rollback();
    this.#connected.clear();
    this.#placedOn.clear();
    this.#restarting.clear();
    this.#stopped.clear();
    this.#failed.clear();
    this.#room.forget();
    this.#known.clear();
    this.#parked.clear();
    this.#edges.clear();
    this.#held.clear();
    this.#leftOut.clear();
    this.#died.clear();
  }

  /** After every call of `handle` (`input` is null for the step of a restore). */
  handled(input: Input | null, step: Step, engine: EngineUnderTest): void {
    const {ledger} = this.#around;
    const now = this.#around.now();
    const fenced = input && this.#fenced(input);
    ledger.touched.clear();
    this.#views.clear();
    this.#engine = engine;
    if (input) this.#learn(input);
    if (input?.type === 'agent-order') this.#learnOrder(input, step);
    if (input?.type === 'vitals' && step.records.length + step.effects.length === 0) return;
    const staff = staffOf(ledger, step);
    const leased: LedgerAttempt[] = [];
    const finished: Extract<StateRecord, {kind: 'team-finished'}>[] = [];
    for (const record of step.records) {
      if (record.kind === 'event') {
        this.#learnEvent(record.event);
        continue;
      }
      this.#checkBefore(record, input);
      ledger.apply(record, now);
      if (record.kind === 'attempt-leased') leased.push(this.#checkLeased(record.id, now));
      if (record.kind === 'attempt-ended') this.#learnUse(record.id);
      if (record.kind === 'team-finished') finished.push(record);
    }
    if (fenced) this.#checkFenced(fenced, step);
    for (const effect of step.effects) this.#learnEffect(effect);
    if (input === null) checkMergesAreAskedAgain(step, ledger);
    const {itemsOf, branch} = this.#around;
    checkScaling(staff, {input, step, ledger, isFailed: (team, agent) => this.#isFailed(team, agent)});
    for (const task of ledger.touched) {
      checkTask(task, {itemsOf, branch, mayFailToExpand: source => this.#unreadable.has(source)});
    }
    for (const attempt of leased) {
      if (attempt.twinOf !== null) {
        checkTwin(attempt);
        continue;
      }
      const {team} = attempt.task;
      const isShut = (choice: ModelChoice | null) => this.#isShut(team, choice);
      checkOrder(attempt, {monoMs: now.monoMs, room: this.#room, open: ledger.open, isShut});
      this.#checkPreference(attempt);
    }
    checkEvents(step, ledger);
    for (const record of finished) checkTeamOver(ledger.team(record.id), record, this.#around.machine);
    this.#checkTimers(input, engine, now);
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
    const {ledger, machine} = this.#around;
    hold('no effect before its records', ledger.uncommitted === 0, () => effect.type);
    switch (effect.type) {
      case 'assign': {
        const {attempt: id, task, teamId, agentId, number, item, needs} = effect.assignment;
        const attempt = ledger.attempts.get(id);
        const matches =
          attempt?.task === ledger.task(teamId, task) &&
          attempt.agentId === agentId &&
          attempt.hostId === effect.hostId &&
          attempt.number === number &&
          JSON.stringify(attempt.task.group ? item : null) === JSON.stringify(attempt.task.item);
        hold('an assignment is what was leased', matches, () => `attempt ${id}`);
        for (const need of needs) {
          const recorded = ledger.task(teamId, need.seq);
          hold('an assignment says how its needs ended', recorded.state.name === need.state, () => {
            return `attempt ${id}: ${need.id} is ${recorded.state.name}, said to be ${need.state}`;
          });
        }
        return;
      }
      case 'reap':
        for (const id of effect.attempts) {
          const attempt = ledger.attempts.get(id);
          const gone = attempt && ledger.hosts.get(attempt.hostId)?.gone !== false;
          hold('only attempts of dead hosts are reaped', gone === true, () => `attempt ${id}`);
        }
        return;
      case 'read-output': {
        const task = ledger.task(effect.teamId, effect.task);
        hold('outputs are read of what has succeeded', task.state.name === 'succeeded', () => task.id);
        return;
      }
      case 'team-over':
        {
          const team = ledger.team(effect.teamId);
          const over = isFinal(team.state) && machine.liveOf(team.id).length === 0;
          hold('a team is over when nothing of it runs', over, () => team.spec.name);
          return;
        }
        return;
      default:
        return;
    }
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

  checkSpec(asked: TeamSpec, created: TeamSpec): void {
    const same = JSON.stringify({...created, name: asked.name}) === JSON.stringify(asked);
    hold('a team is recorded as it was asked for', same, () => asked.name);
  }

  /** The attempt a report is about when that report must change nothing: not open, or not this host's. */
  #fenced(input: Input): {attempt: AttemptId; task: LedgerTask | undefined} | null {
    if (input.type === 'merge-ended') {
      const {teamId, task, attempt} = input;
      const isHeard = this.#around.ledger.merging(teamId, task)?.id === attempt;
      return isHeard ? null : {attempt, task: this.#around.ledger.attempts.get(attempt)?.task};
    }
    const {type} = input;
    if (type !== 'attempt-finished' && type !== 'attempt-verifying' && type !== 'attempt-session') return null;
    const attempt = this.#around.ledger.attempts.get(input.attempt);
    const heard = attempt?.outcome === undefined && attempt?.hostId === input.hostId;
    return heard ? null : {attempt: input.attempt, task: attempt?.task};
  }

  #checkFenced({attempt, task}: {attempt: AttemptId; task: LedgerTask | undefined}, step: Step): void {
    const ending = step.records.some(record => record.kind === 'team-state');
    for (const record of step.records) {
      const ended = record.kind === 'attempt-ended' ? this.#around.ledger.attempts.get(record.id)?.task : undefined;
      hold('a stale session is not recorded', record.kind !== 'attempt-session', () => `attempt ${attempt}`);
      const changed = record.kind === 'task-state' ? this.#around.ledger.task(record.teamId, record.seq) : ended;
      if (changed === undefined || ending) continue;
      hold('a stale report changes nothing', changed !== task && ended === undefined, () => {
        return `attempt ${attempt} was over, yet ${changed.id} changed`;
      });
    }
  }

  #learn(input: Input): void {
    switch (input.type) {
      case 'host-connected':
        this.#forgetStops(input.host.id);
        this.#connected.set(
          input.host.id,
          new Set(input.agents.filter(agent => this.#isKnownHere(agent, input.host.id))),
        );
        for (const id of input.paused ?? []) this.#held.add(id);
        return;
      case 'host-disconnected':
      case 'host-gone':
        if (input.type === 'host-gone') this.#edges.delete(input.hostId);
        this.#connected.delete(input.hostId);
        this.#forgetStops(input.hostId);
        return;
      case 'agents-ready':
        for (const agent of input.agents) {
          this.#connected.get(input.hostId)?.add(agent);
          // Another host made it work: that it failed elsewhere says nothing any more.
          if (this.#failed.get(agent) !== input.hostId) this.#failed.delete(agent);
        }
        return;
      case 'agents-failed':
        for (const agent of input.agents) {
          const wasThere = this.#connected.get(input.hostId)?.delete(agent) === true;
          // Of an agent that is elsewhere, or nowhere yet, it says nothing.
          if (wasThere || this.#placedOn.get(agent) === input.hostId) this.#failed.set(agent, input.hostId);
        }
        return;
      case 'breaker': {
        const known = this.#edges.get(input.hostId) ?? new Map<string, 'open' | 'half-open'>();
        if (input.state === 'closed') known.delete(keyOf(input.of));
        else known.set(keyOf(input.of), input.state);
        this.#edges.set(input.hostId, known);
        return;
      }
      case 'permits':
        this.#room.learn(input);
        return;
      case 'merge-ended': {
        const {ledger} = this.#around;
        const attempt = ledger.merging(input.teamId, input.task);
        if (attempt?.id === input.attempt) ledger.hearMerge(attempt, input.result);
        return;
      }
      case 'output-read':
        if (!input.output.ok) this.#unreadable.add(this.#around.ledger.task(input.teamId, input.task));
        return;
      default:
        return;
    }
  }

  /** An attempt that was cut short shows nothing of what such attempts use. */
  #learnUse(id: AttemptId): void {
    const {task, end, means, outcome} = this.#around.ledger.attempt(id);
    const runtime = means && `${task.team.id}/${means.runtime}`;
    if (runtime && outcome) {
      const evidence = startOf(outcome);
      if (evidence !== null) this.#died.set(runtime, evidence === 'died');
    }
    const isCrash = outcome?.result.ok === false && outcome.result.failure.reason === 'agent-error';
    const failure = outcome?.result.ok === false ? outcome.result.failure.reason : null;
    const isOutrun = end === 'outrun' && outcome !== null && failure !== 'stopped' && failure !== 'provider-limited';
    if (means && !isCrash && (end === 'ok' || end === 'failed' || isOutrun)) {
      this.#known.add(kindOf(means, task.team.id, task.spec.skills));
    }
  }

  #learnOrder({request, agent, teamId, what}: Extract<Input, {type: 'agent-order'}>, {effects}: Step): void {
    const {ledger} = this.#around;
    const isDone = effects.some(effect => effect.type === 'answer' && effect.request === request && effect.result.ok);
    if (!isDone || what === 'drain') return;
    for (const attempt of ledger.open) {
      if (attempt.agentId === agent && attempt.task.team.id === teamId) ledger.stop(attempt, 'agent-killed');
    }
    this.#ordered.add(agent);
    if (what !== 'restart') return;
    this.#failed.delete(agent);
    if ((ledger.load.get(agent) ?? 0) > 0) this.#restarting.add(agent);
    for (const agents of this.#connected.values()) agents.delete(agent);
  }

  #learnEvent({teamId, body}: Extract<Step['records'][number], {kind: 'event'}>['event']): void {
    if (body.type === 'agents-failed' && teamId !== null) this.#parked.add(teamId);
  }

  /** Whoever is left out anew has failed often, is one of few, and is not the last that can do what it can. */
  #checkEjected(team: LedgerTeam): void {
    const views = this.#viewsOf(team);
    const before = this.#leftOut.get(team.id) ?? {agents: new Set<AgentId>(), of: 0};
    const out = views.filter(({breaker}) => breaker !== 'closed');
    const isNew = ({id}: AgentView) => !before.agents.has(id);
    const of = Math.max(before.of, views.length);
    const what = () => `${out.map(({id}) => id).join(',')} of ${of} agents of ${team.spec.name}`;
    for (const view of out.filter(isNew)) {
      hold('who is left out has failed often', failuresOf(team, view.id) >= OFTEN, () => view.id);
      hold('few are left out at a time', out.length <= Math.max(1, Math.floor(of * MOST_LEFT_OUT)), what);
      const isCovered = views.some(other => other.breaker === 'closed' && covers(other, view));
      hold('whoever is the last of its kind is not left out', isCovered, what);
    }
    this.#leftOut.set(team.id, {agents: new Set(out.map(({id}) => id)), of: views.length});
  }

  /** Its runtime does not work: its host said so or, where the engine has given up a runtime, the engine. */
  #isFailed(team: LedgerTeam, agent: AgentId): boolean {
    if (this.#failed.has(agent)) return true;
    return this.#parked.has(team.id) && this.#viewOf(team, agent)?.state === 'gone';
  }

  #viewOf(team: LedgerTeam, agent: AgentId): AgentView | undefined {
    return this.#viewsOf(team).find(view => view.id === agent);
  }

  #viewsOf({id}: LedgerTeam): readonly AgentView[] {
    let views = this.#views.get(id);
    if (!views) {
      views = this.#engine?.agents(id, {now: this.#around.now()}) ?? [];
      this.#views.set(id, views);
    }
    return views;
  }

  #isRestarting(agent: AgentId): boolean {
    return this.#restarting.has(agent) && (this.#around.ledger.load.get(agent) ?? 0) > 0;
  }

  #forgetStops(id: HostId): void {
    for (const attempt of this.#around.ledger.open) {
      if (attempt.hostId !== id) continue;
      this.#stopped.delete(attempt.id);
      this.#held.delete(attempt.id);
    }
  }

  #learnEffect(effect: Effect): void {
    const {ledger} = this.#around;
    if (effect.type === 'merge') checkMerge(effect.request, ledger);
    if (effect.type === 'assign') checkAssignment(effect.assignment, ledger.attempt(effect.assignment.attempt));
    if (effect.type === 'open-agents') {
      for (const agent of effect.agents) {
        // The name of a team that was removed, and so the names of its agents, may be given to another one.
        if (this.#teamOf.get(agent) !== effect.teamId) this.#failed.delete(agent);
        hold('an agent that failed is not opened again', this.#failed.get(agent) !== effect.hostId, () => agent);
        this.#teamOf.set(agent, effect.teamId);
        this.#placedOn.set(agent, effect.hostId);
        this.#restarting.delete(agent);
        this.#connected.get(effect.hostId)?.delete(agent);
      }
    }
    if (effect.type === 'close-team') {
      // Of the moment in which it was decided: before it is carried out the team may have been taken up again.
      const isOver = isFinal(this.#around.ledger.team(effect.teamId).state);
      hold('only teams that are over are closed', isOver, () => `${effect.teamId}`);
    }
    if (effect.type === 'reap') {
      const over = effect.attempts.find(id => this.#around.ledger.attempts.get(id)?.outcome !== undefined);
      hold('only open attempts are reaped', over === undefined, () => `attempt ${over}`);
    }
    if (effect.type === 'pause-attempts') {
      for (const id of effect.attempts) if (effect.paused) this.#held.add(id);
      for (const id of effect.attempts) if (!effect.paused) this.#held.delete(id);
    }
    if (effect.type === 'kill-host' && this.#connected.has(effect.hostId)) {
      const hungMs = this.#around.lastHungMs(effect.hostId);
      const isStuck = hungMs !== null && this.#around.now().monoMs - hungMs < HUNG_MS;
      hold('only a host that hangs is ended', isStuck, () => `${effect.hostId}, which hung at ${hungMs}`);
      // What it holds ends with it: nobody tells it anything any more.
      this.#connected.delete(effect.hostId);
    }
    if (effect.type === 'stop-attempts') this.#learnStop(effect);
  }

  #learnStop({attempts, by}: Extract<Effect, {type: 'stop-attempts'}>): void {
    const {ledger, silentMs} = this.#around;
    for (const id of attempts) {
      this.#stopped.add(id);
      const attempt = ledger.attempts.get(id);
      if (!attempt || attempt.outcome !== undefined) continue;
      ledger.stop(attempt, by);
      if (by === 'agent-killed') {
        const {agentId} = attempt;
        hold('work is taken only from agents that somebody wants killed', this.#ordered.has(agentId), () => agentId);
      }
      if (by !== 'silent' || attempt.stopping !== 'silent') continue;
      const budgetMs = attempt.task.spec.limits?.silenceMs ?? LEAST_SILENCE_MS;
      const silence = silentMs(id);
      hold('only what is silent is stopped for it', silence === null || silence >= budgetMs - 1, () => {
        return `attempt ${id}: silent for ${silence} of ${budgetMs} ms`;
      });
    }
  }

  #checkBefore(record: StateRecord, input: Input | null): void {
    if (record.kind === 'team-created' && input?.type === 'spawn-team') this.checkSpec(input.spec, record.spec);
    if (record.kind === 'team-revived') {
      // All of them are opened anew.
      for (const agent of this.#around.ledger.team(record.id).agents.keys()) this.#failed.delete(agent);
    }
    if (record.kind === 'team-created') this.#createdAt.set(record.id, this.#around.now());
    if (record.kind === 'team-state' && record.ending === 'team-timeout') this.#checkTimeout(record.id);
    if (record.kind === 'attempt-session') {
      const isTold = input?.type === 'attempt-session' && input.attempt === record.id;
      const same = isTold && JSON.stringify(input.session) === JSON.stringify(record.session);
      hold('a session is recorded as it was told', same, () => `attempt ${record.id}`);
    }
    if (record.kind === 'team-state') this.#checkEnding(record);
    if (record.kind !== 'attempt-ended') return;
    const {machine, isHeld, ledger} = this.#around;
    const {id, outcome} = record;
    hold('an attempt ends when its processes are gone', !machine.isLive(id), () => `attempt ${id} runs`);
    if (outcome === null) {
      hold('an attempt is lost only when no host holds it', !isHeld(id), () => `attempt ${id}`);
      return;
    }
    // That one which had lost succeeded all the same is not recorded.
    if (ledger.attempts.get(id)?.task.outrun?.id === id) return;
    const said = machine.outcomeOf(id);
    const told = JSON.stringify(withVerdict(said, outcome)) === JSON.stringify(outcome);
    hold('an outcome is recorded as it happened', told, () => `attempt ${id}`);
  }

  #checkLeased(id: AttemptId, now: Now): LedgerAttempt {
    const {ledger, machine} = this.#around;
    const attempt = ledger.attempts.get(id);
    if (!attempt) throw new Error(`Internal error: attempt ${id} is not in the ledger`);
    const {task, agentId, hostId} = attempt;
    checkLease(attempt, now.monoMs);
    checkBounds(task);
    const {permits} = this.#room;
    hold('no more attempts than permits', ledger.open.size <= permits, () => {
      return `attempt ${id} is number ${ledger.open.size} of ${permits}`;
    });
    checkAgent(attempt, {
      room: this.#room,
      open: ledger.open,
      isKnown: kind => this.#known.has(kind),
      nowMs: now.monoMs,
      livesSinceMs: this.#livesSinceMs,
    });
    const {means} = attempt;
    if (means) {
      const known = this.#edges.get(hostId);
      const open = edgesOf(means.runtime, means.provider).find(edge => known?.get(edge) === 'open');
      hold('nothing is given to where a breaker is open', !open, () => `attempt ${id} on ${hostId}: ${open}`);
    }
    this.#placedOn.set(agentId, hostId);
    this.#restarting.delete(agentId);
    const ready = this.#connected.get(hostId)?.has(agentId) === true;
    hold('work goes to agents that are ready', ready, () => `${agentId} on ${hostId}`);
    hold('work goes to agents of the team', this.#teamOf.get(agentId) === task.team.id, () => agentId);
    const other = machine.liveOf(task.team.id, task.seq)[0];
    const isTwin = other !== undefined && other.attempt === attempt.twinOf;
    hold('no lease while an old process lives', !other || isTwin, () => `attempt ${id} while ${other?.attempt} runs`);
    this.#checkFairness(attempt, now);
    return attempt;
  }

  /** Among the agents that could have done it, those with more of the preferred skills come first. */
  #checkPreference(attempt: LedgerAttempt): void {
    const {id, task, agentId} = attempt;
    const {team, spec} = task;
    const group = team.agents.get(agentId);
    if (!spec.prefer || !group || (spec.prompt !== undefined && !isSurelyPaid(team))) return;
    const room = this.#room.beside(this.#around.ledger.open, attempt);
    const better = [...this.#idleAgents(team)].find(([other, idle]) => {
      const isLiked = mayDo(other, task) && likes(task, other) > likes(task, group);
      const choice = choiceOf(other, task);
      const isOpen = isLiked && room.hasRoomFor(choice) && !this.#isShut(team, choice);
      return isOpen && idle.some(one => !this.#isLeftOut(team, one));
    });
    hold(
      'preferred agents come first',
      !better,
      () => `attempt ${id} of ${task.id} by ${agentId}, not ${better?.[1].join(' or ') ?? ''}`,
    );
  }

  /** What must be true of a team that is not over after any input at all. */
  #checkTeam(team: LedgerTeam, {input, engine, now}: {input: Input | null; engine: EngineUnderTest; now: Now}): void {
    if (team.ending !== null) return this.#checkStopping(team);
    if (input?.type === 'attempt-finished' || input?.type === 'tick') this.#checkEjected(team);
    this.#checkPauses(team);
    this.#checkLosers(team);
    if (this.#around.ledger.open.size >= this.#room.permits) return;
    const dueMs = input?.type === 'tick' ? now.monoMs : Number.NEGATIVE_INFINITY;
    const passedOver = this.#passedOver(team, dueMs);
    hold('no agent idles beside a ready task', passedOver === null, () => {
      const view = engine.view(team.id, {now});
      const why = view?.waiting.map(waits => waits.why).join('; ');
      return `${passedOver?.agent} idles, ${passedOver?.task.id} is ready and waits for ${why}`;
    });
  }

  /** A ready task and a free agent that may do it, with room for one more attempt (in place of this one, if one is named). */
  #passedOver(team: LedgerTeam, dueMs: number, inPlaceOf?: LedgerAttempt): {agent: AgentId; task: LedgerTask} | null {
    const idle = this.#idleAgents(team);
    if (idle.size === 0) return null;
    const room = this.#room.beside(this.#around.ledger.open, inPlaceOf);
    const paysPrompts = isSurelyPaid(team);
    for (const task of team.tasks) {
      if (isTerminal(task.state.name) || !isReady(task, dueMs)) continue;
      for (const [group, agents] of idle) {
        if (!mayDo(group, task)) continue;
        const choice = choiceOf(group, task);
        if (choice !== null && (!paysPrompts || this.#isShut(team, choice))) continue;
        if (!room.hasRoomFor(choice)) continue;
        const agent = agents.find(one => !this.#isLeftOut(team, one));
        if (agent) return {agent, task};
      }
    }
    return null;
  }

  /** A breaker has opened, or its runtime has just died at its start: either is tried again after a while. */
  #isShut({id}: LedgerTeam, choice: ModelChoice | null): boolean {
    if (choice === null) return false;
    const edges = edgesOf(choice.runtime, providerFor(choice));
    const isOpen = [...this.#edges.values()].some(known => edges.some(edge => known.has(edge)));
    return isOpen || this.#died.get(`${id}/${choice.runtime}`) === true;
  }

  /** It is given nothing, or only something to see how it does, because of how it has done. Whether that is right, `checkEjected` says. */
  #isLeftOut(team: LedgerTeam, agent: AgentId): boolean {
    const view = this.#viewOf(team, agent);
    if (view === undefined || view.breaker !== 'closed' || view.state === 'suspect') return true;
    return this.#isFailed(team, agent);
  }

  /** Whether a host that says it has this agent is where the engine takes it to be, ready for more. */
  #isKnownHere(agent: AgentId, host: HostId): boolean {
    if (this.#isRestarting(agent)) return false;
    return ![...this.#around.ledger.open].some(({agentId, hostId}) => agentId === agent && hostId !== host);
  }

  /** The free agents of each group, as long as there is no second host on which the engine may expect it. */
  #idleAgents(team: LedgerTeam): ReadonlyMap<AgentGroup, readonly AgentId[]> {
    const {ledger} = this.#around;
    const idle = new Map<AgentGroup, AgentId[]>();
    if (team.settings.paused) return idle;
    const [[host, agents] = [], ...others] = [...this.#connected];
    const known = [...ledger.hosts.values()].filter(({gone}) => !gone);
    if (!agents || others.length > 0 || known.length > 1) return idle;
    for (const agent of agents) {
      const group = team.agents.get(agent);
      const isHere = (this.#placedOn.get(agent) ?? host) === host && this.#teamOf.get(agent) === team.id;
      const standing = team.standings.get(agent) ?? 'present';
      if (!group || !isHere || this.#failed.has(agent) || standing !== 'present') continue;
      if ((ledger.load.get(agent) ?? 0) < group.slots) idle.set(group, [...(idle.get(group) ?? []), agent]);
    }
    return idle;
  }

  /** A team is given up only when nothing of it runs and nobody who still works could be paid for what is ready. */
  #checkEnding({id, ending}: Extract<StateRecord, {kind: 'team-state'}>): void {
    if (ending !== 'budget' && ending !== 'no-agents') return;
    const team = this.#around.ledger.team(id);
    const open = team.tasks.find(task => task.open !== null || task.outrun !== null || task.state.name === 'merging');
    const works = livingOf(team).flatMap(agent => (this.#isFailed(team, agent) ? [] : (team.agents.get(agent) ?? [])));
    if (works.length === 0) return;
    hold('a team is given up when nothing of it runs', !open, () => `${open?.id} is ${open?.state.name}`);
    const paysPrompts = isSurelyPaid(team);
    const possible = team.tasks.find(task => {
      const isPaid = task.spec.prompt === undefined || paysPrompts;
      return isReady(task, Number.NEGATIVE_INFINITY) && isPaid && works.some(group => mayDo(group, task));
    });
    hold('a team is given up when nobody can go on', !possible, () => `${possible?.id} is ready`);
  }

  /** What is paused is held, and nothing else is. */
  #checkPauses(team: LedgerTeam): void {
    for (const {id, hostId, task, agentId, stopping} of this.#around.ledger.open) {
      if (task.team !== team || !this.#connected.has(hostId) || stopping !== null) continue;
      const isPaused = team.settings.paused || team.standings.get(agentId) === 'paused';
      hold('what is paused is held', this.#held.has(id) === isPaused, () => `attempt ${id} of ${agentId}`);
    }
  }

  /** What another attempt has outrun. */
  #checkLosers({tasks}: LedgerTeam): void {
    for (const {outrun} of tasks) {
      if (outrun === null || !this.#connected.has(outrun.hostId)) continue;
      hold('what has lost its race is stopped', this.#stopped.has(outrun.id), () => `attempt ${outrun.id}`);
    }
  }

  #checkStopping(team: LedgerTeam): void {
    for (const {id, hostId, task} of this.#around.ledger.open) {
      if (task.team !== team || !this.#connected.has(hostId)) continue;
      hold('what runs of a team that is ending is stopped', this.#stopped.has(id), () => `attempt ${id}`);
    }
  }

  /** Never early, whatever the wall clock says and however often the daemon was started. */
  #checkTimeout(id: TeamId): void {
    const now = this.#around.now();
    const created = this.#createdAt.get(id);
    const {timeoutMs} = this.#around.ledger.team(id).spec;
    hold('only a team with a timeout times out', created !== undefined && timeoutMs !== null, () => `team ${id}`);
    const {usedMs, sinceMs} = this.#around.ledger.team(id).clock;
    const elapsedMs = usedMs + (sinceMs === null ? 0 : now.monoMs - sinceMs);
    hold('a team times out when its time is over', elapsedMs >= timeoutMs - 1, () => {
      return `team ${id} after ${elapsedMs} of ${timeoutMs} ms`;
    });
  }

  /** Another team with work, a free agent and fewer running attempts would have been next. */
  #checkFairness(attempt: LedgerAttempt, now: Now): void {
    const {team} = attempt.task;
    const running = this.#running(team) - 1;
    for (const other of this.#around.ledger.live) {
      if (other === team || other.ending !== null || this.#running(other) >= running) continue;
      const passedOver = this.#passedOver(other, now.monoMs, attempt);
      hold('teams get equal shares', passedOver === null, () => {
        return `${team.spec.name} goes before ${other.spec.name}: ${passedOver?.task.id}`;
      });
    }
  }

  #running(team: LedgerTeam): number {
    return [...this.#around.ledger.open].filter(({task}) => task.team === team).length;
  }

  #checkTimers(input: Input | null, engine: EngineUnderTest, now: Now): void {
    if (input?.type !== 'tick') return;
    const nextMs = engine.nextDeadlineMs();
    hold('a timer that has fired is gone', nextMs === null || nextMs > now.monoMs, () => `${nextMs}`);
  }

  #compareWithStore(team: StoredState['teams'][number]): void {
    const {tasks} = this.#around.ledger.team(team.id);
    const open = new Map<TaskSeq, AttemptId[]>();
    for (const {task, id} of team.openAttempts) open.set(task, [...(open.get(task) ?? []), id]);
    const same = (task: LedgerTask) => {
      const {seq, state} = task;
      const ids = [task.open, task.twin, task.outrun].flatMap(attempt => attempt?.id ?? []);
      if (open.get(seq)?.join() !== (ids.length === 0 ? undefined : ids.sort((a, b) => a - b).join())) return false;
      return task.open !== null || JSON.stringify(team.tasks[seq]?.state) === JSON.stringify(state);
    };
    const other = tasks.find(task => !same(task));
    hold('what was committed is there after a crash', !other && team.tasks.length === tasks.length, () => {
      return `${team.spec.name}: ${other ? `${other.id} is ${team.tasks[other.seq]?.state.name}` : 'tasks are missing'}`;
    });
  }
}

/** As the engine counts it: it ended soon, and had neither said nor used anything. Null: its end says nothing of the start. */
function startOf({result, usage, durationMs}: AttemptOutcome): 'died' | 'worked' | null {
  if (result.ok || (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) > 0) return 'worked';
  if (result.failure.reason !== 'agent-error') return null;
  return durationMs < START_MS ? 'died' : 'worked';
}

const START_MS = 10_000;
/** So late the daemon may hear that a host hung. */
const HUNG_MS = 60_000;

function keyOf({kind, name}: {kind: string; name: string}): string {
  return `${kind}:${name}`;
}

function edgesOf(runtime: string, provider: string): readonly string[] {
  return [`runtime:${runtime}`, `provider:${provider}`];
}

/** Where the plan says nothing, prompts may be silent for at least so long. */
const LEAST_SILENCE_MS = 600_000;

/** What was stopped because it hung is recorded as that. */
function withVerdict(said: AttemptOutcome | undefined, {result}: AttemptOutcome): AttemptOutcome | undefined {
  if (!said || said.result.ok || result.ok || result.failure.reason !== 'silent') return said;
  const {failure} = said.result;
  return failure.reason === 'stopped' && failure.by === 'silent' ? {...said, result} : said;
}

function failuresOf({tasks}: LedgerTeam, agent: AgentId): number {
  return tasks.reduce((sum, {attempts, earlier}) => {
    return sum + [...earlier, ...attempts].filter(({agentId, end}) => agentId === agent && end === 'failed').length;
  }, 0);
}

/** As the breakers of agents have it: fewer failures never leave anybody out. */
const OFTEN = 5;

const MOST_LEFT_OUT = 0.1;

/** Whether one can do whatever the other can. */
function covers(one: AgentView, other: AgentView): boolean {
  if (one.group === other.group) return one.id !== other.id;
  if (other.runtime !== 'command' && one.runtime !== other.runtime) return false;
  if (one.skills.length === 0) return true;
  return other.skills.length > 0 && other.skills.every(skill => one.skills.includes(skill));
}
