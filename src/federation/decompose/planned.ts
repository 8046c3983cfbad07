import type {JsonValue} from '../../base/json.ts';
import {failureText} from '../../model/failure-text.ts';
import {type Result, fail, ok} from '../../base/result.ts';
import type {Plan} from '../../model/plan.ts';
import type {TaskSpec} from '../../model/task.ts';
import {parsePlan} from '../../plan/parse-plan.ts';

/** More is not a plan that somebody reads before it is started. */
export const MAX_PLANNED_TASKS = 200;
const MAX_PLAN_BYTES = 400_000;

export interface PlannedLimits {
  /** Commands that tasks may name as their `verify`; the first is put where none is. */
  readonly verify: readonly string[];
}

/** A plan that a model has made, as it will be done. */
export interface Planned {
  readonly document: Readonly<Record<string, JsonValue>>;
  readonly plan: Plan;
  /** What somebody who looks at it should know. */
  readonly warnings: readonly string[];
}

const TOP = new Set(['version', 'name', 'tasks']);
/** What does not run anything by itself, and does not reach beyond a worktree. */
const TASK = new Set([
  'prompt',
  'needs',
  'touches',
  'verify',
  'priority',
  'prefer',
  'estimate',
  'retries',
  'timeout',
  'change',
  'outputs',
  'foreach',
  'key',
  'max-parallel',
  'review',
]);
const REVIEW = new Set(['rounds', 'prompt']);

/**
 * Reads what a model has answered when it was asked for a plan. Such a plan may hold prompts and nothing that runs as a command,
 * except commands for tests that are known already: whoever could write into the repository could have had a hand in it.
 * What is wrong with it comes as sentences, to be told to the model.
 */
export function readPlanned(answer: string, {verify}: PlannedLimits): Result<Planned, readonly string[]> {
  const text = planTextIn(answer);
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_PLAN_BYTES) return fail([`it has ${bytes.length} bytes; at most ${MAX_PLAN_BYTES} are read`]);
  const parsed = parsePlan({file: 'plan', bytes});
  if (!parsed.ok) return fail(problemsOf(parsed.failure));
  // `parsePlan` has found a mapping with a mapping `tasks` in it.
  const document = parsed.value.document as Record<string, JsonValue> & {
    tasks: Record<string, Record<string, JsonValue>>;
  };
  const problems = [...unwanted(document, verify), ...limits(parsed.value.plan)];
  if (problems.length > 0) return fail(problems.slice(0, 20));
  const filled = {...document, tasks: withVerify(document.tasks, verify[0])};
  const again = parsePlan({file: 'plan', bytes: Buffer.from(JSON.stringify(filled))});
  if (!again.ok) return fail(problemsOf(again.failure));
  return ok({document: filled, plan: again.value.plan, warnings: warningsFor(again.value.plan)});
}

/** The plan in an answer: the last fenced block that looks like one, or all of it. */
function planTextIn(answer: string): string {
  const blocks = [...answer.matchAll(/^[ \t]*(`{3,}|~{3,})[^\n`]*\n([\s\S]*?)^[ \t]*\1[ \t]*$/gm)].map(
    ([, , block = '']) => block,
  );
  return blocks.findLast(block => /^\s*["']?tasks["']?\s*:/m.test(block)) ?? answer;
}

function problemsOf(failure: Parameters<typeof failureText>[0]): readonly string[] {
  if (failure.reason !== 'plan-invalid') return [failureText(failure)];
  return failure.problems.map(({message, hint, line}) => {
    const place = line === undefined ? '' : `line ${line}: `;
    return `${place}${message}${hint === undefined ? '' : ` (${hint})`}`;
  });
}

function unwanted(
  document: Record<string, JsonValue> & {tasks: Record<string, Record<string, JsonValue>>},
  verify: readonly string[],
): readonly string[] {
  const problems = Object.keys(document).flatMap(key => (TOP.has(key) ? [] : [`\`${key}\` must not be in this plan`]));
  for (const [id, task] of Object.entries(document.tasks)) {
    for (const key of Object.keys(task)) if (!TASK.has(key)) problems.push(`task \`${id}\` must not have \`${key}\``);
    const {verify: script, review} = task;
    if (typeof script === 'string' && !verify.includes(script.trim())) {
      const known = verify.length === 0 ? 'none is known, so leave it out' : `one of: ${verify.join(', ')}`;
      problems.push(`\`verify\` of task \`${id}\` is not a known command (${known})`);
    }
    const more =
      typeof review === 'object' && review !== null ? Object.keys(review).filter(key => !REVIEW.has(key)) : [];
    if (more.length > 0) problems.push(`\`review\` of task \`${id}\` must not have \`${more.join('`, `')}\``);
  }
  return problems;
}

function limits({tasks}: Plan): readonly string[] {
  const problems: string[] = [];
  if (tasks.length > MAX_PLANNED_TASKS) {
    problems.push(`it has ${tasks.length} tasks; at most ${MAX_PLANNED_TASKS} are allowed, so join some`);
  }
  for (const {id, retries, foreach} of tasks) {
    if (retries > 5) problems.push(`\`retries\` of task \`${id}\` is more than 5`);
    if (foreach?.from === 'list' && foreach.items.length > MAX_PLANNED_TASKS) {
      problems.push(`\`foreach\` of task \`${id}\` has more than ${MAX_PLANNED_TASKS} items`);
    }
  }
  return problems;
}

function withVerify(
  tasks: Record<string, Record<string, JsonValue>>,
  verify: string | undefined,
): Record<string, JsonValue> {
  if (verify === undefined) return tasks;
  const entries = Object.entries(tasks).map(([id, task]) => {
    const isAnswer = task['change'] === 'none' || (task['outputs'] !== undefined && task['change'] === undefined);
    return [id, isAnswer || task['verify'] !== undefined ? task : {...task, verify}] as const;
  });
  return Object.fromEntries(entries);
}

function warningsFor({tasks}: Plan): readonly string[] {
  const edits = tasks.filter(task => task.reviews === undefined && task.change !== 'none');
  const unproven = edits.filter(task => task.verify === undefined && task.outputs === undefined);
  const anywhere = edits.filter(task => task.touches === undefined && task.outputs === undefined);
  return [
    ...(unproven.length === 0
      ? []
      : [`Nothing proves ${namesOf(unproven)}: no command for tests is known; give one with --verify.`]),
    ...(anywhere.length < 2
      ? []
      : [`${namesOf(anywhere)} may change any file, so they can get into each other's way.`]),
  ];
}

function namesOf(tasks: readonly TaskSpec[]): string {
  const names = tasks
    .slice(0, 5)
    .map(({id}) => id)
    .join(', ');
  return tasks.length > 5 ? `${names} and ${tasks.length - 5} more` : names;
}
