import type {JsonValue} from '../base/json.ts';
import type {AgentGroup} from '../model/agent.ts';
import type {Plan} from '../model/plan.ts';
import type {Condition, ForeachSource, OutputKind, TaskSpec} from '../model/task.ts';
import type {Dice} from './dice.ts';
import type {Faults} from './faults.ts';
import {reviewerOf, withAgents} from './random-prompts.ts';

/** What the command or the agent of a task would do if it were real. */
export interface Behaviour {
  readonly minMs: number;
  readonly maxMs: number;
  readonly failureChance: number;
  /** Runs until it is stopped. */
  readonly neverExits: boolean;
  readonly output: JsonValue;
  /** Of a task with a worktree that need not change anything: how often it does all the same. */
  readonly changeChance: number;
  /** What an attempt of a prompt uses, in 1024ths of a USD. */
  readonly cents: number;
  readonly tokens: number;
  /** The provider lets it through never. */
  readonly alwaysLimited: boolean;
}

export interface RandomPlan {
  readonly plan: Plan;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
}

export interface PlanOptions {
  readonly dice: Dice;
  readonly faults: Faults;
  /** Whether something will end the team from outside, so that tasks which never exit are fair. */
  readonly willBeEnded: boolean;
  /** The agents that will do it; null: they only run commands, in place. */
  readonly groups: readonly AgentGroup[] | null;
  /** For what coding agents add, so that the rest of the plan is the same with and without them. */
  readonly agentDice: Dice;
}

type Shape = 'chain' | 'fan' | 'diamonds' | 'layers' | 'independent';

/** A plan as `plan/` would hand it over: ids unique, needs earlier in the list, `foreach` only over something upstream. */
export function randomPlan({dice, faults, willBeEnded, groups, agentDice}: PlanOptions): RandomPlan {
  const count = Math.round(dice.spread(1, dice.chance(0.4) ? 200 : 80));
  const shape = dice.pick<Shape>(['chain', 'fan', 'diamonds', 'layers', 'independent']);
  const slowest = dice.spread(1000, 60_000);
  const tasks: TaskSpec[] = [];
  const behaviours = new Map<string, Behaviour>();
  for (let index = 0; index < count; index++) {
    const needs = needsOf({shape, index, count, dice}).map(position => `t${position}`);
    const plain = randomTask(`t${index}`, needs, {tasks, dice, faults});
    const spec = groups ? withAgents(plain, {dice: agentDice, groups, mayWait: willBeEnded}) : plain;
    const behaviour = randomBehaviour(spec, {dice, faults, slowest, willBeEnded});
    tasks.push(spec);
    behaviours.set(spec.id, behaviour);
    if (!spec.review) continue;
    const reviewer = reviewerOf(spec, {dice: agentDice, groups: groups ?? [], mayWait: willBeEnded});
    tasks.push(reviewer);
    behaviours.set(reviewer.id, {...behaviour, neverExits: false, failureChance: behaviour.failureChance / 2});
  }
  return {plan: {name: null, env: {}, tasks}, behaviours};
}

function needsOf({shape, index, count, dice}: {shape: Shape; index: number; count: number; dice: Dice}): number[] {
  if (index === 0) return [];
  switch (shape) {
    case 'chain':
      return [index - 1];
    case 'fan':
      return index === count - 1 ? range(count - 1).slice(count > 2 ? 1 : 0) : [0];
    case 'diamonds': {
      const corner = index % 4;
      const top = index - corner;
      if (corner === 0) return [index - 1];
      return corner === 3 ? [top + 1, top + 2] : [top];
    }
    case 'layers':
      return dice.shuffled(range(index)).slice(0, dice.whole(0, Math.min(3, index)));
    case 'independent':
      return dice.chance(0.1) ? [dice.whole(0, index - 1)] : [];
  }
}

function randomTask(
  id: string,
  needs: readonly string[],
  {tasks, dice, faults}: {tasks: readonly TaskSpec[]; dice: Dice; faults: Faults},
): TaskSpec {
  const foreach = randomSource(needs, {tasks, dice});
  const outputs = foreach ? undefined : dice.pick<OutputKind | undefined>(['json', 'json', 'lines', 'text', undefined]);
  return {
    id,
    run: `do ${id}`,
    ...(dice.chance(0.2) ? {verify: `check ${id}`} : {}),
    expressions: {},
    needs,
    ...(foreach ? {foreach} : {}),
    condition: dice.chance(0.75) ? 'success' : dice.pick<Condition>(['failure', 'always']),
    ...(outputs === undefined ? {} : {outputs}),
    ...(dice.chance(0.2) ? {timeoutMs: Math.round(dice.spread(100, 30_000))} : {}),
    retries: faults.taskFailure > 0 ? dice.pick([0, 0, 1, 2, 3]) : dice.pick([0, 2]),
    priority: dice.chance(0.2) ? dice.whole(-3, 5) : 0,
    env: {},
    ...(dice.chance(0.3) ? {limits: {silenceMs: Math.round(dice.spread(1000, 60_000))}} : {}),
    continueOnError: dice.chance(0.12),
    ...(foreach && dice.chance(0.4) ? {maxParallel: dice.whole(1, 4)} : {}),
  };
}

function randomSource(
  needs: readonly string[],
  {tasks, dice}: {tasks: readonly TaskSpec[]; dice: Dice},
): ForeachSource | undefined {
  if (!dice.chance(0.25)) return undefined;
  if (dice.chance(0.15)) return {from: 'list', items: range(dice.whole(0, 6))};
  const source = tasks.find(task => needs.includes(task.id) && (task.outputs === 'json' || task.outputs === 'lines'));
  return source && {from: 'output', task: source.id, path: []};
}

function randomBehaviour(
  spec: TaskSpec,
  {dice, faults, slowest, willBeEnded}: {dice: Dice; faults: Faults; slowest: number; willBeEnded: boolean},
): Behaviour {
  const minMs = dice.spread(slowest / 50, slowest);
  const slow = dice.chance(faults.slowTask) ? dice.spread(2, 50) : 1;
  return {
    minMs,
    maxMs: minMs * dice.between(1, 3) * slow,
    failureChance: dice.chance(0.5) ? faults.taskFailure : 0,
    neverExits: (willBeEnded || spec.timeoutMs !== undefined) && dice.chance(0.05),
    output: spec.outputs === 'text' ? 'done' : randomItems(dice, spec.outputs),
    changeChance: dice.between(0.2, 1),
    cents: dice.chance(0.1) ? 0 : Math.round(dice.spread(1, dice.chance(0.1) ? 2000 : 200)),
    tokens: Math.round(dice.spread(100, dice.chance(0.1) ? 400_000 : 50_000)),
    alwaysLimited: faults.providerLimits > 0 && dice.chance(0.002),
  };
}

function randomItems(dice: Dice, outputs: OutputKind | undefined): JsonValue[] {
  const count = dice.chance(0.2) ? 0 : Math.round(dice.spread(1, dice.chance(0.1) ? 120 : 15));
  const kind = dice.pick(outputs === 'lines' ? ['text', 'hostile'] : ['text', 'number', 'object', 'hostile']);
  return range(count).map(index => {
    if (kind === 'number') return index * 7;
    if (kind === 'object') return {path: `p/${index}`, size: index};
    return kind === 'hostile' ? `$(touch pwned${index})` : `item ${index}`;
  });
}

function range(count: number): number[] {
  return Array.from({length: count}, (_, index) => index);
}
