import type {ForeachSource, OutputKind} from '../model/task.ts';
import {type NeedsByIndex, cyclesIn, sort} from './dependency-resolver.ts';
import type {Problem, ProblemList} from './problem.ts';
import {didYouMean} from './did-you-mean.ts';

/** What a task says about other tasks. `outputs` is unknown for a task that is wrong in itself. */
export interface TaskReferences {
  readonly id: string;
  /** As written, so that the place of each can be named. */
  readonly needs: string | readonly string[];
  readonly foreach: ForeachSource | undefined;
  readonly outputs: OutputKind | undefined | 'unknown';
}

const MAX_CYCLE_SHOWN = 100;
/** Edges walked to find out whether a `foreach` goes over something upstream, in the whole plan. */
const MAX_WALK = 20_000_000;

/** Reports needs that do not exist, cycles, and `foreach` over something that is not an output upstream. */
export function checkReferences(tasks: readonly TaskReferences[], problems: ProblemList): void {
  const indexOf = new Map(tasks.map((task, index) => [task.id, index]));
  const needs = tasks.map(task => {
    const indexes = new Set<number>();
    for (const [position, need] of [task.needs].flat().entries()) {
      const index = indexOf.get(need);
      if (index === undefined) problems.error(unknownNeed({task, need, position, ids: indexOf.keys()}));
      else indexes.add(index);
    }
    return [...indexes];
  });
  const {order, level} = sort(needs);
  if (order.length < tasks.length) {
    for (const cycle of cyclesIn(needs)) problems.error(cycleProblem(cycle.map(index => tasks[index]?.id ?? '')));
  }
  const upstream = new Upstream({needs, level, cyclic: order.length < tasks.length});
  for (const [index, task] of tasks.entries()) {
    if (task.foreach?.from !== 'output') continue;
    const source = indexOf.get(task.foreach.task);
    const target = source === undefined ? undefined : tasks[source];
    const problem =
      source === undefined || !target
        ? noSuchOutput({task, named: task.foreach.task, ids: indexOf.keys()})
        : foreachProblem({task, target, position: upstream.position(index, source)});
    if (problem) problems.error(problem);
  }
}

function unknownNeed({
  task,
  need,
  position,
  ids,
}: {
  task: TaskReferences;
  need: string;
  position: number;
  ids: Iterable<string>;
}): Problem {
  const path = ['tasks', task.id, 'needs', ...(typeof task.needs === 'string' ? [] : [position])];
  const hint = didYouMean(need, ids) ?? 'add the task, or remove it from `needs`';
  return {path, at: 'value', message: `task \`${task.id}\` needs \`${need}\`, and there is no such task`, hint};
}

function cycleProblem(cycle: readonly string[]): Problem {
  const shown =
    cycle.length <= MAX_CYCLE_SHOWN
      ? cycle
      : [...cycle.slice(0, MAX_CYCLE_SHOWN), `… ${cycle.length - MAX_CYCLE_SHOWN - 1} more …`, ...cycle.slice(-1)];
  return {
    path: ['tasks', cycle[0] ?? '', 'needs'],
    at: 'value',
    message: `these tasks wait for each other: ${shown.join(' → ')}`,
    hint: 'each needs the next; remove one of them from `needs`',
  };
}

function noSuchOutput({task, named, ids}: {task: TaskReferences; named: string; ids: Iterable<string>}): Problem {
  return {
    ...placeOf(task),
    message: `task \`${task.id}\` goes over the output of \`${named}\`, and there is no such task`,
    hint: didYouMean(named, ids) ?? 'name a task that it needs',
  };
}

function foreachProblem({
  task,
  target,
  position,
}: {
  task: TaskReferences;
  target: TaskReferences;
  position: UpstreamPosition;
}): Problem | null {
  const over = `task \`${task.id}\` goes over the output of \`${target.id}\``;
  if (position !== 'upstream') {
    const why = position === 'elsewhere' ? 'which does not come before it' : 'which is too far upstream to be found';
    return {...placeOf(task), message: `${over}, ${why}`, hint: `add \`${target.id}\` to its \`needs\``};
  }
  if (target.foreach) {
    return {
      ...placeOf(task),
      message: `${over}, which is itself a \`foreach\` and has many outputs`,
      hint: `put a task between them that needs \`${target.id}\`, reads "$GODEL_INPUTS" and prints one list`,
    };
  }
  if (target.outputs === 'json' || target.outputs === 'lines' || target.outputs === 'unknown') return null;
  const declared = target.outputs === undefined ? 'declares no output' : 'declares `outputs: text`';
  return {
    ...placeOf(task),
    message: `${over}, which ${declared}`,
    hint: `add \`outputs: json\` or \`outputs: lines\` to \`${target.id}\``,
  };
}

function placeOf(task: TaskReferences): Pick<Problem, 'path' | 'at'> {
  return {path: ['tasks', task.id, 'foreach'], at: 'value'};
}

type UpstreamPosition = 'upstream' | 'elsewhere' | 'not found in time';

/** Whether one task comes before another, directly or through others. */
class Upstream {
  readonly #needs: NeedsByIndex;
  readonly #level: Int32Array;
  readonly #cyclic: boolean;
  #walked = 0;

  constructor({needs, level, cyclic}: {needs: NeedsByIndex; level: Int32Array; cyclic: boolean}) {
    this.#needs = needs;
    this.#level = level;
    this.#cyclic = cyclic;
  }

  position(task: number, target: number): UpstreamPosition {
    if (this.#needs[task]?.includes(target) === true) return 'upstream';
    const seen = new Set([task]);
    for (const index of seen) {
      for (const need of this.#needs[index] ?? []) {
        if (need === target) return 'upstream';
        if (++this.#walked > MAX_WALK) return 'not found in time';
        // What is on the target's level or below cannot need it (levels mean nothing on a cycle).
        if (this.#cyclic || (this.#level[need] ?? 0) > (this.#level[target] ?? 0)) seen.add(need);
      }
    }
    return 'elsewhere';
  }
}
