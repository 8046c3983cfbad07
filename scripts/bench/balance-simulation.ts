import {Heap} from '../../src/base/heap.ts';
import {seededRandom} from '../../src/base/random.ts';
import {AgentSelector, type Selectable} from '../../src/federation/agent-selector.ts';
import {EJECTION_RULES} from '../../src/federation/outlier-ejection.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import {type AgentId, agentId, hostId} from '../../src/model/ids.ts';
import type {StrategyChoice} from '../../src/model/strategy.ts';

/** As often as the engine compares the agents with one another. */
const COMPARE_MS = 5000;

/** What an agent with a fault does: ends every attempt at once as failed, or does nothing until its time is up. */
export type Fault = 'none' | 'failing' | 'hanging';

export interface Scenario {
  readonly strategy: StrategyChoice;
  readonly ejects: 'with' | 'without';
  readonly agents: number;
  /** Of each agent. What an agent can do is shared among what it is at work on. */
  readonly slots: number;
  readonly fault: Fault;
  /** Agents with the fault. */
  readonly faulty: number;
  /** The share of what all sound agents can do that arrives. */
  readonly load: number;
  readonly tasks: number;
  readonly seed: number;
}

export interface SimulationResult {
  /** How much longer the task took, from its arrival to its end, than alone at an agent of mean speed: of a hundred the second worst. */
  readonly p99: number;
  readonly mean: number;
  /** Attempts that failed, as a share of all. */
  readonly wasted: number;
}

const MEAN_WORK_MS = 10_000;
const FAILS_AFTER_MS = 100;
const TIMEOUT_MS = 120_000;
const GROUP: AgentGroup = {
  name: 'agent',
  count: 0,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};
const KIND = {name: 'task', skills: []};

interface Task {
  readonly id: string;
  readonly arrivedMs: number;
  readonly workMs: number;
  readonly failedAt: Map<AgentId, string>;
}

interface Attempt {
  readonly task: Task;
  readonly startedMs: number;
  leftMs: number;
}

interface Worker extends Selectable {
  load: number;
  readonly speed: number;
  readonly fault: Fault;
  readonly attempts: Set<Attempt>;
  /** Up to when the work of its attempts has been counted. */
  countedMs: number;
  /** Which planned end still holds. */
  version: number;
}

interface Moment {
  readonly atMs: number;
  readonly what:
    | {readonly is: 'arrival'; readonly task: Task}
    | {readonly is: 'end'; readonly worker: Worker; readonly attempt: Attempt; readonly version: number}
    | {readonly is: 'fault'; readonly worker: Worker; readonly attempt: Attempt}
    | {readonly is: 'wake'};
}

/** The selector and strategies of the engine, in virtual time: tasks wait in one queue until an agent is free. */
export function simulate(scenario: Scenario): SimulationResult {
  return new Simulation(scenario).run();
}

class Simulation {
  readonly #selector: AgentSelector<Worker>;
  readonly #moments = new Heap<Moment>((a, b) => a.atMs < b.atMs);
  readonly #queue: Task[] = [];
  #head = 0;
  #nowMs = 0;
  #comparedMs = 0;
  #attempts = 0;
  #failures = 0;
  readonly #slowdowns: number[] = [];

  constructor({strategy, ejects, agents, slots, fault, faulty, load, tasks, seed}: Scenario) {
    const random = seededRandom(seed);
    this.#selector = new AgentSelector<Worker>({
      groups: [GROUP],
      strategy,
      random: seededRandom(seed + 1),
      ejection: ejects === 'with' ? EJECTION_RULES : null,
    });
    const host = hostId('host');
    const workers = Array.from({length: agents}, (_, index): Worker => {
      const id = agentId(`agent-${index}`);
      const speed = 0.5 * 4 ** random();
      const own = index < faulty ? fault : 'none';
      const state = {attempts: new Set<Attempt>(), countedMs: 0, version: 0};
      return {id, group: 0, slots, load: 0, host, speed, fault: own, ...state};
    });
    for (const worker of workers) this.#selector.offer(worker);
    const capacity = workers.reduce((sum, {speed, fault: own}) => sum + (own === 'none' ? speed : 0), 0);
    const gapMs = MEAN_WORK_MS / (capacity * load);
    let atMs = 0;
    for (let index = 0; index < tasks; index += 1) {
      atMs += -Math.log(1 - random()) * gapMs;
      const task = {id: `task-${index}`, arrivedMs: atMs, workMs: logNormal(random), failedAt: new Map()};
      this.#moments.push({atMs, what: {is: 'arrival', task}});
    }
  }

  run(): SimulationResult {
    for (let moment = this.#moments.pop(); moment; moment = this.#moments.pop()) {
      this.#nowMs = moment.atMs;
      this.#take(moment.what);
      this.#selector.wake(this.#nowMs);
      if (this.#nowMs >= this.#comparedMs + COMPARE_MS) {
        this.#comparedMs = this.#nowMs;
        this.#selector.compareAll();
      }
      this.#dispatch();
    }
    const sorted = this.#slowdowns.toSorted((a, b) => a - b);
    return {
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
      mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
      wasted: this.#failures / this.#attempts,
    };
  }

  #take(what: Moment['what']): void {
    switch (what.is) {
      case 'arrival':
        this.#queue.push(what.task);
        return;
      case 'end':
        if (what.version === what.worker.version) this.#end(what.worker, what.attempt, 'succeeded');
        return;
      case 'fault':
        return this.#end(what.worker, what.attempt, 'perhaps');
      case 'wake':
        return;
    }
  }

  #dispatch(): void {
    for (let task = this.#queue[this.#head]; task; task = this.#queue[this.#head]) {
      const selection = this.#selector.take({
        nowMs: this.#nowMs,
        candidates: CANDIDATES,
        kind: KIND,
        affinity: task.id,
        ...(task.failedAt.size > 0 ? {avoid: task.failedAt} : {}),
      });
      if (!selection) return this.#wakeLater();
      this.#head += 1;
      this.#start(selection.agent, task);
    }
  }

  /** Agents that are left out may be all that the queue waits for. */
  #wakeLater(): void {
    const dueMs = this.#selector.nextDueMs();
    if (dueMs !== null && this.#moments.size === 0) this.#moments.push({atMs: dueMs, what: {is: 'wake'}});
  }

  #start(worker: Worker, task: Task): void {
    const attempt = {task, startedMs: this.#nowMs, leftMs: task.workMs};
    this.#attempts += 1;
    this.#count(worker);
    worker.load += 1;
    worker.attempts.add(attempt);
    this.#selector.offer(worker);
    if (worker.fault === 'none') return this.#plan(worker);
    const afterMs = worker.fault === 'failing' ? FAILS_AFTER_MS : TIMEOUT_MS;
    this.#moments.push({atMs: this.#nowMs + afterMs, what: {is: 'fault', worker, attempt}});
  }

  #end(worker: Worker, attempt: Attempt, verdict: 'succeeded' | 'perhaps'): void {
    this.#count(worker);
    worker.attempts.delete(attempt);
    worker.load -= 1;
    const {task, startedMs} = attempt;
    const durationMs = this.#nowMs - startedMs;
    this.#selector.ended(worker, {task: task.id, kind: KIND, verdict, durationMs, usd: null, nowMs: this.#nowMs});
    this.#selector.offer(worker);
    if (worker.fault === 'none') this.#plan(worker);
    if (verdict === 'succeeded') {
      this.#slowdowns.push((this.#nowMs - task.arrivedMs) / task.workMs);
      return;
    }
    this.#failures += 1;
    task.failedAt.set(worker.id, 'its attempt at this task has failed');
    this.#queue.push(task);
  }

  /** What its attempts have got done since it was last looked at. */
  #count(worker: Worker): void {
    const share = ((this.#nowMs - worker.countedMs) * worker.speed) / Math.max(1, worker.attempts.size);
    worker.countedMs = this.#nowMs;
    if (worker.fault === 'none') for (const attempt of worker.attempts) attempt.leftMs -= share;
  }

  #plan(worker: Worker): void {
    worker.version += 1;
    let first: Attempt | null = null;
    for (const attempt of worker.attempts) if (first === null || attempt.leftMs < first.leftMs) first = attempt;
    if (!first) return;
    const atMs = this.#nowMs + (Math.max(0, first.leftMs) * worker.attempts.size) / worker.speed;
    this.#moments.push({atMs, what: {is: 'end', worker, attempt: first, version: worker.version}});
  }
}

const CANDIDATES = [{group: 0}];

/** Mean `MEAN_WORK_MS`; most are near it and a few take ten times as long. */
function logNormal(random: () => number): number {
  const sigma = 0.8;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return MEAN_WORK_MS * Math.exp(sigma * normal - sigma ** 2 / 2);
}
