import type {TaskNode} from './task-node.ts';

/** How much one more duration counts against what is known. */
const NEWEST = 0.3;

/**
 * What tasks take, learned from those that have succeeded: per `foreach`, else per kind of task (the program of a command,
 * the skills and the model of a prompt). What the plan says of a task comes first.
 */
export class TaskDurations {
  readonly #means = new Map<string, number>();

  learn(task: TaskNode, durationMs: number): void {
    const key = keyOf(task);
    const known = this.#means.get(key);
    this.#means.set(key, known === undefined ? durationMs : known + NEWEST * (durationMs - known));
  }

  /** In milliseconds; null: nothing is known. */
  expected(task: TaskNode): number | null {
    return task.spec.estimate?.durationMs ?? this.#means.get(keyOf(task)) ?? null;
  }
}

function keyOf({spec, group}: TaskNode): string {
  if (group) return `instance ${group.seq}`;
  const {prompt, run, skills = [], runtime = '', model = ''} = spec;
  if (prompt !== undefined) return `prompt ${runtime} ${model} ${skills.join()}`;
  return `run ${run.trimStart().split(/\s/, 1)[0] ?? ''} ${skills.join()}`;
}
