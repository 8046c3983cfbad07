import type {Result} from '../../src/base/result.ts';
import {seededRandom} from '../../src/base/random.ts';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {EventBody} from '../../src/model/event.ts';
import type {Failure} from '../../src/model/failure.ts';
import {type AttemptId, attemptId, type HostId, hostId, type TeamId, teamId} from '../../src/model/ids.ts';
import type {Gate} from '../../src/model/provider.ts';
import type {EngineRecord, HostRecord, StoredState} from '../../src/model/record.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {foldRecords} from '../../src/simulation/simulated-store.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {Engine} from '../../src/federation/engine.ts';
import type {Assignment, Effect, Input, Step} from '../../src/federation/engine-io.ts';
import {taskSpec, teamSpec as fabricatedTeamSpec} from '../model/fabricated-specs.ts';

export const EMPTY_STATE: StoredState = {
  nextTeamId: teamId(1),
  nextAttemptId: attemptId(1),
  hosts: [],
  teams: [],
  over: [],
};

export const task = taskSpec;

export function teamSpec(tasks: readonly TaskSpec[] | null, spec: Partial<TeamSpec> = {}): TeamSpec {
  return fabricatedTeamSpec({plan: tasks && {name: null, env: {}, tasks}, ...spec});
}

export function hostRecord(id: HostId): HostRecord {
  return {id, machineId: 'm', process: {pid: 100, startTime: '1', bootId: 'b'}, gone: false};
}

export const SUCCESS: AttemptOutcome = {result: {ok: true}, durationMs: 10, usage: UNKNOWN_USAGE, outputBytes: null};
export const COMMAND_FAILED: Failure = {reason: 'command-failed', exitCode: 1, signal: null, tail: ''};

export function failing(failure: Failure = COMMAND_FAILED): AttemptOutcome {
  return {...SUCCESS, result: {ok: false, failure}};
}

/** A request without its number. */
export type Asked = Omitted<Extract<Input, {request: number}>>;
type Omitted<T> = T extends unknown ? Omit<T, 'request'> : never;

/** An engine with one connected host whose agents are ready at once, for tests that drive it by hand. */
export class EngineWorld {
  readonly engine: Engine;
  readonly records: EngineRecord[] = [];
  readonly effects: Effect[] = [];
  readonly host = hostId('h1');
  nowMs: number;
  permits: number;
  gates: readonly Gate[] = [];

  constructor({
    permits = 100,
    stored = EMPTY_STATE,
    nowMs = 1000,
    maxLosses = 3,
  }: {permits?: number; stored?: StoredState; nowMs?: number; maxLosses?: number} = {}) {
    this.permits = permits;
    this.nowMs = nowMs;
    const options = {
      machineId: 'm',
      bootId: 'boot',
      keepTeams: 2,
      hostLostMs: 1000,
      maxLosses,
      maxConflicts: 2,
      firstCap: {usd: 0.25, tokens: 100_000},
      memoryOf: () => 0,
      retryBaseMs: 100,
      retryMaxMs: 1000,
    };
    const {engine, step} = Engine.restore(stored, {...options, random: seededRandom(1)}, this.now());
    this.engine = engine;
    this.#keep(step);
    for (const effect of step.effects) this.#react(effect);
  }

  now() {
    return {monoMs: this.nowMs, wallMs: 1_000_000 + this.nowMs};
  }

  give(input: Input): Step {
    const step = this.engine.handle(input, this.now());
    this.#keep(step);
    for (const effect of step.effects) this.#react(effect);
    return step;
  }

  connect(id = this.host, holds: AttemptId[] = []): void {
    this.give({type: 'host-connected', host: hostRecord(id), holds, agents: [], teams: []});
  }

  /** A team without anything to do, to add to. */
  engineSpec(): TeamSpec {
    return teamSpec(null);
  }

  spawn(spec: TeamSpec): TeamId {
    this.give({type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'});
    const id = this.engine.teamNamed(spec.name);
    if (id === null) throw new Error('the team was refused');
    return id;
  }

  /** Ready host, then the team. */
  start(tasks: readonly TaskSpec[], spec: Partial<TeamSpec> = {}): TeamId {
    this.connect();
    return this.spawn(teamSpec(tasks, spec));
  }

  /** What is answered to a request. */
  ask(input: Asked): Result<TeamView, Failure> {
    const request = 1000 + this.effects.length;
    const step = this.give({...input, request});
    const answer = step.effects.find(effect => effect.type === 'answer' && effect.request === request);
    if (answer?.type !== 'answer') throw new Error(`${input.type} was not answered`);
    return answer.result;
  }

  /** Another engine that begins with what this one has recorded, at the same time. */
  restarted(): EngineWorld {
    const records = this.records.flatMap(record => (record.kind === 'event' ? [] : [record]));
    const world = new EngineWorld({permits: this.permits, stored: foldRecords(records), nowMs: this.nowMs});
    world.records.unshift(...this.records);
    return world;
  }

  assigned(): Assignment[] {
    return this.effects.flatMap(effect => (effect.type === 'assign' ? [effect.assignment] : []));
  }

  /** Ids of tasks in the order in which they were assigned. */
  order(): string[] {
    return this.assigned().map(assignment => assignment.taskId);
  }

  attemptOf(task: string): AttemptId {
    const found = this.assigned()
      .filter(assignment => assignment.taskId === task)
      .at(-1);
    if (!found) throw new Error(`${task} was never assigned`);
    return found.attempt;
  }

  finish(task: string, outcome: AttemptOutcome = SUCCESS): Step {
    return this.give({type: 'attempt-finished', hostId: this.host, attempt: this.attemptOf(task), outcome});
  }

  later(ms: number): Step {
    this.nowMs += ms;
    return this.give({type: 'tick'});
  }

  events<T extends EventBody['type']>(type: T): Extract<EventBody, {type: T}>[] {
    return this.records.flatMap(record =>
      record.kind === 'event' && record.event.body.type === type
        ? [record.event.body as Extract<EventBody, {type: T}>]
        : [],
    );
  }

  view(id: TeamId) {
    const view = this.engine.view(id, {now: this.now()});
    if (!view) throw new Error('no such team');
    return view;
  }

  #keep(step: Step): void {
    for (const record of step.records) this.records.push(record);
    for (const effect of step.effects) this.effects.push(effect);
  }

  #react(effect: Effect): void {
    if (effect.type === 'open-agents') {
      this.give({type: 'agents-ready', hostId: effect.hostId, agents: effect.agents});
    }
    if (effect.type === 'want-permits') {
      this.give({
        type: 'permits',
        permits: Math.min(effect.want, this.permits),
        why: effect.want > this.permits ? 'test limit' : null,
        gates: this.gates,
      });
    }
  }
}
