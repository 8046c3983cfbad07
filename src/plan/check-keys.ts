import {checkChoice, choiceOf} from './model-choice.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import type {DefaultsDocument, TaskDocument} from './schema.ts';
import {hasWorktree, isFanOut} from './task-agent.ts';

interface Task {
  readonly task: TaskDocument;
  readonly defaults: DefaultsDocument;
  readonly path: DocumentPath;
  readonly report: (problem: Problem) => void;
}

/** Reports keys of a task that say something only together, or do not go together. */
export function checkKeys(subject: Task): void {
  const {task, path, report} = subject;
  const place = placeName(path);
  if (task.prompt !== undefined && task.run !== undefined) {
    const hint = 'keep one of them; a check of what the prompt has done is a `verify`';
    report({path: [...path, 'prompt'], at: 'key', message: `${place} has both \`run\` and \`prompt\``, hint});
  } else if (task.prompt === undefined && task.run === undefined) {
    const hint = 'add `run: <shell command>` or `prompt: <what an agent is to do>`';
    report({path, at: 'key', message: `${place} has nothing to do`, hint});
  }
  checkFanOut(subject);
  checkChoice(task, {path, report});
  if (task.prompt !== undefined) checkPrompt(subject);
  else checkCommand(subject);
}

function checkFanOut({task, path, report}: Task): void {
  const place = placeName(path);
  if (task.foreach !== undefined && task.matrix !== undefined) {
    const hint = 'keep one of them; a list of mappings is a `foreach` too';
    report({path: [...path, 'matrix'], at: 'key', message: `${place} has both \`foreach\` and \`matrix\``, hint});
  }
  if (isFanOut(task)) {
    if (task.review === undefined || task.review === false) return;
    const word = task.foreach === undefined ? 'matrix' : 'foreach';
    report({
      path: [...path, 'review'],
      at: 'key',
      message: `${place} has both \`review\` and \`${word}\`, which do not go together yet`,
      hint: 'let a task that needs it, with a `prompt` of its own, look at all that was changed',
    });
    return;
  }
  for (const key of ['key', 'max-parallel'] as const) {
    if (task[key] === undefined) continue;
    report({
      path: [...path, key],
      at: 'key',
      message: `${place} has \`${key}\` but no \`foreach\``,
      hint: `add \`foreach\`, or remove \`${key}\``,
    });
  }
}

function checkPrompt({task, defaults, path, report}: Task): void {
  if (task.workspace === 'in-place') {
    report({
      path: [...path, 'workspace'],
      at: 'value',
      message: `${placeName(path)} has a \`prompt\`, and a coding agent never works in place`,
      hint: 'remove `workspace`: it gets a worktree of its own',
    });
  }
  if (choiceOf(task, defaults).runtime !== 'command') return;
  const at = task.runtime === undefined ? ['defaults', 'runtime'] : [...path, 'runtime'];
  const message = `the runtime \`command\` of ${placeName(path)} takes no prompts`;
  report({path: at, at: 'value', message, hint: 'name a coding agent, for example `claude`'});
}

function checkCommand({task, defaults, path, report}: Task): void {
  const place = placeName(path);
  for (const key of ['runtime', 'model'] as const) {
    if (task[key] === undefined || task.run === undefined) continue;
    const hint = `remove \`${key}\`; who may run a command is said with \`skills\``;
    report({path: [...path, key], at: 'key', message: `${place} has \`${key}\`, which is for prompts only`, hint});
  }
  if (task.limits?.tokens !== undefined && task.run !== undefined) {
    const message = `${place} has a limit of \`tokens\`, and a command uses none that godel knows of`;
    report({path: [...path, 'limits', 'tokens'], at: 'key', message, hint: 'remove `tokens`'});
  }
  if (hasWorktree(task, defaults)) return;
  if (task.limits?.disk !== undefined) {
    const message = `${place} has a limit of \`disk\`, and it runs in place, where nobody can tell what is its`;
    const hint = 'add `workspace: worktree`, or remove `disk`';
    report({path: [...path, 'limits', 'disk'], at: 'key', message, hint});
  }
  for (const key of ['change', 'touches', 'review'] as const) {
    if (task[key] === undefined || task[key] === false) continue;
    report({
      path: [...path, key],
      at: 'key',
      message: `${place} has \`${key}\`, and it runs in place, where nobody can tell what it has changed`,
      hint: `add \`workspace: worktree\`, or remove \`${key}\``,
    });
  }
}
