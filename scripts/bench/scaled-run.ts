import {Heap} from '../../src/base/heap.ts';
import {decideScale, FIRST_STATE, LOOK_AHEAD_MS} from '../../src/federation/auto-scaler.ts';
import {forecastDemand} from '../../src/federation/demand-forecast.ts';
import {PlanWidth} from '../../src/federation/plan-width.ts';
import {goesBefore} from '../../src/federation/scheduler.ts';
import {TaskDurations} from '../../src/federation/task-durations.ts';
import {buildTaskGraph} from '../../src/federation/task-graph.ts';
import type {TaskNode} from '../../src/federation/task-node.ts';
import type {Autoscale} from '../../src/model/autoscale.ts';
import {attemptId} from '../../src/model/ids.ts';
import type {Dag} from './dags.ts';
import {taskSpec} from '../../test/model/fabricated-specs.ts';

export interface ScaledRun {
  readonly makespanMs: number;
  /** Of all agents, from the order to start them until they are gone. */
  readonly agentMs: number;
  readonly decisions: number;
  readonly most: number;
}

interface Worker {
  readonly since: number;
  isUp: boolean;
  idleSince: number;
  task: TaskNode | null;
  startedMs: number;
}

type Happening =
  | {readonly atMs: number; readonly kind: 'up' | 'end'; readonly worker: Worker}
  | {readonly atMs: number; readonly kind: 'look'};

/** From the order to the first answer: so long for one agent, and that much later for each further one ordered with it. */
const START_MS = 500;
const START_EACH_MS = 10;

/**
 * A run of a plan under virtual time, with the scheduler's order, agents taken in turn, and the auto-scaler's own decisions
 * from what it has learned within this run; or with `null` on a fixed number of agents that are there from the beginning.
 */
export function runScaled({tasks}: Dag, scale: Autoscale | null, fixed = 0): ScaledRun {
  const specs = tasks.map(({kind, needs}, index) =>
    taskSpec(`t${index}`, {run: kind, needs: needs.map(need => `t${need}`)}),
  );
  const graph = buildTaskGraph({name: null, env: {}, tasks: specs});
  return new Run(
    graph,
    tasks.map(task => task.ms),
    scale,
  ).go(fixed);
}

class Run {
  readonly #graph: readonly TaskNode[];
  readonly #ms: readonly number[];
  readonly #scale: Autoscale | null;
  readonly #ready = new Heap<TaskNode>(goesBefore);
  readonly #readySince = new Map<TaskNode, number>();
  readonly #happenings = new Heap<Happening>((a, b) => a.atMs < b.atMs);
  readonly #width: PlanWidth;
  readonly #durations = new TaskDurations();
  #workers: Worker[] = [];
  /** Longest idle first. */
  #idle: Worker[] = [];
  #state = FIRST_STATE;
  #nowMs = 0;
  #open: number;
  #agentMs = 0;
  #decisions = 0;
  #most = 0;

  constructor(graph: readonly TaskNode[], ms: readonly number[], scale: Autoscale | null) {
    this.#graph = graph;
    this.#ms = ms;
    this.#scale = scale;
    this.#open = graph.length;
    this.#width = new PlanWidth(graph);
  }

  go(fixed: number): ScaledRun {
    this.#add(this.#scale?.min ?? fixed, 0);
    for (const task of this.#graph) if (task.unfinishedNeeds === 0) this.#makeReady(task);
    this.#turn();
    while (this.#open > 0) {
      const next = this.#happenings.pop();
      if (!next) throw new Error('nothing will happen any more, and the plan is not over');
      this.#nowMs = next.atMs;
      if (next.kind === 'up') this.#up(next.worker);
      if (next.kind === 'end') this.#end(next.worker);
      this.#turn();
    }
    for (const worker of this.#workers) this.#agentMs += this.#nowMs - worker.since;
    return {makespanMs: this.#nowMs, agentMs: this.#agentMs, decisions: this.#decisions, most: this.#most};
  }

  #turn(): void {
    for (let task = this.#ready.peek(); task && this.#idle.length > 0; task = this.#ready.peek()) {
      const worker = this.#idle.shift();
      if (!worker) break;
      this.#ready.pop();
      this.#readySince.delete(task);
      task.state = {name: 'running', attempt: attemptId(1)};
      worker.task = task;
      worker.startedMs = this.#nowMs;
      this.#happenings.push({atMs: this.#nowMs + (this.#ms[task.seq] ?? 0), kind: 'end', worker});
    }
    if (this.#scale && this.#open > 0) this.#rescale(this.#scale);
  }

  #rescale(settings: Autoscale): void {
    const nowMs = this.#nowMs;
    const busy = this.#workers.filter(worker => worker.task !== null);
    const running = busy.flatMap(({task, startedMs}) => (task ? [{task, startedMs}] : []));
    const expected = (task: TaskNode) => this.#durations.expected(task);
    const queued = this.#ready.size;
    const known = [...this.#readySince.keys()].map(expected).filter(ms => ms !== null);
    const mean = known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length;
    const untilMs = nowMs + LOOK_AHEAD_MS;
    const waits = [...this.#readySince.values()].map(since => nowMs - since).sort((a, b) => a - b);
    const signals = {
      agents: this.#workers.length,
      busySlots: busy.length,
      slots: this.#workers.length,
      queued,
      queuedWorkMs: queued > 0 && mean !== null ? mean * queued : null,
      waitP90Ms: waits[Math.floor(waits.length * 0.9)] ?? 0,
      width: this.#width.width,
      usdPerHour: null,
      slotsPerAgent: 1,
      idleMs: this.#idle.map(worker => nowMs - worker.idleSince),
      widthMayGrow: false,
      demands: forecastDemand({nowMs, untilMs, running, queued, expected, most: settings.max}),
      usdPerAgentHour: null,
      mostSlots: Number.POSITIVE_INFINITY,
    };
    const {state, decision, againAtMs} = decideScale(settings, this.#state, signals, nowMs);
    this.#state = state;
    if (againAtMs !== null) this.#happenings.push({atMs: againAtMs, kind: 'look'});
    if (!decision) return;
    this.#decisions += 1;
    if (decision.to > decision.from) this.#add(decision.to - decision.from, START_MS);
    else for (let count = decision.from - decision.to; count > 0; count -= 1) this.#remove();
  }

  #add(count: number, startMs: number): void {
    for (let index = 0; index < count; index += 1) {
      const worker = {since: this.#nowMs, isUp: false, idleSince: 0, task: null, startedMs: 0};
      this.#workers.push(worker);
      if (startMs === 0) this.#up(worker);
      else this.#happenings.push({atMs: this.#nowMs + startMs + index * START_EACH_MS, kind: 'up', worker});
    }
    this.#most = Math.max(this.#most, this.#workers.length);
  }

  #remove(): void {
    const gone = this.#idle.shift();
    if (!gone) throw new Error('only an idle agent may go');
    this.#workers = this.#workers.filter(worker => worker !== gone);
    this.#agentMs += this.#nowMs - gone.since;
  }

  #up(worker: Worker): void {
    worker.isUp = true;
    this.#rest(worker);
  }

  #rest(worker: Worker): void {
    worker.idleSince = this.#nowMs;
    this.#idle.push(worker);
  }

  #end(worker: Worker): void {
    const {task} = worker;
    if (!task) throw new Error('an idle agent ends nothing');
    worker.task = null;
    this.#rest(worker);
    task.state = {name: 'succeeded'};
    this.#open -= 1;
    this.#width.ended(task);
    this.#durations.learn(task, this.#nowMs - worker.startedMs);
    for (const dependent of task.dependents) {
      dependent.unfinishedNeeds -= 1;
      if (dependent.unfinishedNeeds === 0) this.#makeReady(dependent);
    }
  }

  #makeReady(task: TaskNode): void {
    task.state = {name: 'ready'};
    this.#ready.push(task);
    this.#readySince.set(task, this.#nowMs);
  }
}
