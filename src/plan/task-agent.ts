import type {ChangeRule, Estimate, TaskFacts, Touches} from '../model/task.ts';
import {listOf} from './agent-groups.ts';
import {choiceOf} from './model-choice.ts';
import {roundsOf} from './review.ts';
import type {DefaultsDocument, ReviewDocument, TaskDocument} from './schema.ts';
import type {TextCompiler} from './text-compiler.ts';
import {parseTimeout} from './timeout.ts';

type AgentFacts = Pick<
  TaskFacts,
  | 'skills'
  | 'prefer'
  | 'preferredCost'
  | 'runtime'
  | 'model'
  | 'workspace'
  | 'idempotent'
  | 'change'
  | 'touches'
  | 'estimate'
  | 'review'
>;

/** Who may do a task, where it runs, and what it may change and take. */
export function agentFacts(
  task: TaskDocument,
  {defaults, compiler}: {defaults: DefaultsDocument; compiler: TextCompiler},
): AgentFacts {
  const skills = listOf(task.skills ?? defaults.skills);
  const prefer = listOf(task.prefer);
  const review = reviewOf(task, defaults);
  const idempotent = task.idempotent ?? defaults.idempotent;
  const preferredCost = task['preferred-cost'] ?? defaults['preferred-cost'];
  return {
    ...(skills.length === 0 ? {} : {skills}),
    ...(prefer.length === 0 ? {} : {prefer}),
    ...(preferredCost === undefined ? {} : {preferredCost}),
    ...(task.prompt === undefined ? {} : choiceOf(task, defaults)),
    ...(hasWorktree(task, defaults) ? {workspace: 'worktree', change: changeOf(task)} : {}),
    ...(idempotent === undefined ? {} : {idempotent}),
    ...(task.touches === undefined ? {} : {touches: touchesOf(task.touches, compiler)}),
    ...(task.estimate === undefined ? {} : {estimate: estimateOf(task.estimate)}),
    ...(review === null ? {} : {review: {rounds: roundsOf(review)}}),
  };
}

/** A prompt always has a worktree; a command where the task or the defaults say so. */
export function hasWorktree(task: TaskDocument, defaults: DefaultsDocument): boolean {
  return task.prompt !== undefined || (task.workspace ?? defaults.workspace) === 'worktree';
}

/** How the task is reviewed; null: not at all. A default holds for tasks that can be reviewed and change something. */
export function reviewOf(task: TaskDocument, defaults: DefaultsDocument): ReviewDocument | null {
  const inherits = hasWorktree(task, defaults) && !isFanOut(task) && changeOf(task) !== 'none';
  const review = task.review ?? (inherits ? defaults.review : undefined);
  if (review === undefined || review === false) return null;
  return review === true ? {} : review;
}

export function isFanOut(task: TaskDocument): boolean {
  return task.foreach !== undefined || task.matrix !== undefined;
}

/** A prompt is there to change something, unless it is asked for an answer. */
function changeOf({change, prompt, outputs}: TaskDocument): ChangeRule {
  return change ?? (prompt === undefined || outputs !== undefined ? 'optional' : 'required');
}

function touchesOf(touches: NonNullable<TaskDocument['touches']>, compiler: TextCompiler): Touches {
  const {paths, otherwise = 'fail'} = typeof touches === 'object' && 'paths' in touches ? touches : {paths: touches};
  const templates = listOf(paths).map((path, index) =>
    compiler.template(keysTo(index, touches), path.replace(/^(\.\/)+/, '')),
  );
  const fixed = templates.flatMap(parts => (parts.every(part => typeof part === 'string') ? [parts.join('')] : []));
  const perItem = templates.filter(parts => parts.some(part => typeof part !== 'string'));
  return {globs: fixed, ...(perItem.length === 0 ? {} : {itemGlobs: perItem}), policy: otherwise};
}

function keysTo(index: number, touches: NonNullable<TaskDocument['touches']>): readonly (string | number)[] {
  const isMapping = typeof touches === 'object' && 'paths' in touches;
  const paths = isMapping ? touches.paths : touches;
  return ['touches', ...(isMapping ? ['paths'] : []), ...(typeof paths === 'string' ? [] : [index])];
}

function estimateOf(estimate: NonNullable<TaskDocument['estimate']>): Estimate {
  const {usd, tokens, duration} = typeof estimate === 'object' ? estimate : {duration: estimate};
  const durationMs = duration === undefined ? null : parseTimeout(duration);
  return {
    ...(usd === undefined ? {} : {usd}),
    ...(tokens === undefined ? {} : {tokens}),
    ...(durationMs === null ? {} : {durationMs}),
  };
}
