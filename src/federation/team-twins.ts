import {speculateOf} from '../model/speculate.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {AttemptId} from '../model/ids.ts';
import type {TeamSpec} from '../model/team.ts';
import {mayRunTwice, type Spread, spreadOf, type TwinSpending} from './speculation.ts';
import type {TaskNode} from './task-node.ts';
import {amountOf} from './team-budget.ts';

/** Of each kind so many are remembered, the latest. */
const MOST_SAMPLES = 100;
/** At most so often a team is searched for stragglers by the clock, in milliseconds. */
const STEP_MS = 50;

/** What is to be known of an attempt that may have company. */
export interface Racer {
  readonly task: TaskNode;
  readonly twinOf: AttemptId | null;
  readonly means?: AttemptMeans | undefined;
  readonly hasLost: boolean;
}

/** Attempts at the same task at the same time, and what their like have taken. One per team. */
export class TeamTwins<A extends Racer> {
  /** The open attempts at tasks that have two, or one that has lost. */
  readonly #open = new Map<TaskNode, A[]>();
  readonly #samples = new Map<string, number[]>();
  readonly #spreads = new Map<string, Spread | null>();
  readonly #spent = {usd: 0, tokens: 0, attempts: 0};
  #running = 0;
  /** The runtimes (null: none) of second attempts that wait for nothing but room on the machine. */
  wanted: readonly (string | null)[] = [];
  /** When stragglers are to be looked for next (monotonic); Infinity: not before `wake`. */
  lookMs = Number.POSITIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** Something has changed that may make a straggler of an attempt, now or later. */
  wake(): void {
    this.lookMs = Math.min(this.lookMs, this.#lookedMs + STEP_MS);
  }

  /** They have been looked for. `nextMs`: when that has to be done again by the clock; Infinity: by nothing that is known. */
  looked(nowMs: number, nextMs: number): void {
    this.#lookedMs = nowMs;
    this.lookMs = nextMs === Number.POSITIVE_INFINITY ? nextMs : Math.max(nextMs, nowMs + STEP_MS);
  }

  mayRunTwice(task: TaskNode, spec: TeamSpec): boolean {
    return mayRunTwice(task.spec, speculateOf(spec));
  }

  /** Second attempts that are open, those that have lost included. */
  get running(): number {
    return this.#running;
  }

  get spent(): TwinSpending {
    return this.#spent;
  }

  /** From now on they are at the same task, or (alone) it is at one that is over for it. */
  join(...attempts: readonly A[]): void {
    for (const attempt of attempts) {
      const known = this.#open.get(attempt.task) ?? [];
      if (!known.includes(attempt)) this.#open.set(attempt.task, [...known, attempt]);
    }
  }

  started({twinOf, means}: A): void {
    if (twinOf === null) return;
    this.#running += 1;
    if (!means) return;
    this.#spent.attempts += 1;
    this.#spent.usd += means.cap.usd ?? 0;
    this.#spent.tokens += means.cap.tokens ?? 0;
  }

  ended(attempt: A, outcome: AttemptOutcome | null): void {
    const {task, twinOf, means} = attempt;
    const left = this.#open.get(task)?.filter(other => other !== attempt);
    if (left && (left.length > 1 || left.some(({hasLost}) => hasLost))) this.#open.set(task, left);
    else if (left) this.#open.delete(task);
    if (twinOf === null) return;
    this.#running -= 1;
    if (!means || !outcome) return;
    for (const resource of ['usd', 'tokens'] as const) {
      const cap = means.cap[resource] ?? 0;
      this.#spent[resource] += (amountOf(resource, outcome.usage) ?? cap) - cap;
    }
  }

  /** The other open attempt at the task, which may still succeed. */
  rivalOf(attempt: A): A | null {
    return this.#open.get(attempt.task)?.find(other => other !== attempt && !other.hasLost) ?? null;
  }

  /** Those open at the task of which nothing comes any more. */
  losersAt(task: TaskNode): readonly A[] {
    return this.#open.get(task)?.filter(({hasLost}) => hasLost) ?? NONE;
  }

  /** Something that has lost still runs: the task cannot go again before that is over. */
  keepsBack(task: TaskNode): boolean {
    return this.#open.size > 0 && this.losersAt(task).length > 0;
  }

  hasTwo(task: TaskNode): boolean {
    return this.#open.has(task);
  }

  /** Tasks that could go again but for what is being stopped. */
  get keptBack(): number {
    let count = 0;
    for (const task of this.#open.keys()) if (task.state.name === 'ready') count += 1;
    return count;
  }

  /** An attempt at the task has succeeded after so long. */
  learn(task: TaskNode, durationMs: number): void {
    const kind = kindOf(task);
    const samples = this.#samples.get(kind) ?? [];
    samples.push(durationMs);
    if (samples.length > MOST_SAMPLES) samples.shift();
    this.#samples.set(kind, samples);
    this.#spreads.delete(kind);
    this.wake();
  }

  spreadOf(task: TaskNode): Spread | null {
    const kind = kindOf(task);
    const known = this.#spreads.get(kind);
    if (known !== undefined) return known;
    const spread = spreadOf(this.#samples.get(kind) ?? []);
    this.#spreads.set(kind, spread);
    return spread;
  }
}

const NONE: readonly never[] = [];

/** Instances of one `foreach` are alike, and so are commands with the same script, and prompts to the same model with the same skills. */
function kindOf({spec, group}: TaskNode): string {
  if (group) return `instance ${group.seq}`;
  const {prompt, run, skills = [], runtime = '', model = ''} = spec;
  return prompt === undefined ? `run ${run}` : `prompt ${runtime} ${model} ${skills.join()}`;
}
