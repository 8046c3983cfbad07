import type {JsonValue} from '../../base/json.ts';
import type {Estimate} from '../../model/task.ts';
import type {Subtask} from './subtask.ts';

export interface PlanFacts {
  /** Script that proves each task; null: nobody has said one. */
  readonly verify: string | null;
  /** Path of the current folder within the repository, as `packages/a/`; empty at its root. */
  readonly prefix: string;
}

export type PlanDocument = Readonly<Record<string, JsonValue>>;

const EXPRESSION = '${{';
const OPENING = 'braces';

/** A plan in which a text stands as it is, whatever looks like an expression in it. */
export function literalText(text: string): {readonly text: string; readonly inputs: PlanDocument} {
  return {
    text: text.replaceAll(EXPRESSION, () => `\${{ inputs.${OPENING} }}`),
    inputs: text.includes(EXPRESSION) ? {inputs: {[OPENING]: EXPRESSION}} : {},
  };
}

/** Subtasks as a plan of prompts. Text that looks like an expression stays text. */
export function planDocument(subtasks: readonly Subtask[], facts: PlanFacts): PlanDocument {
  const {inputs} = literalText(subtasks.find(({prompt}) => prompt.includes(EXPRESSION))?.prompt ?? '');
  return {
    version: 1,
    ...inputs,
    tasks: Object.fromEntries(subtasks.map(subtask => [subtask.id, taskOf(subtask, facts)])),
  };
}

function taskOf(subtask: Subtask, {verify, prefix}: PlanFacts): JsonValue {
  const {dependencies, priority, skills, over, estimate, hasParts} = subtask;
  const touches = touchesOf(subtask, prefix);
  const {text: said} = literalText(subtask.prompt);
  return {
    ...(dependencies.length === 0 ? {} : {needs: dependencies}),
    ...(over.length === 0 ? {} : {foreach: over}),
    prompt: over.length === 0 ? said : `${said}\n\nDo it for \`\${{ item }}\` only; the others are done by others.`,
    ...(hasParts ? {change: 'optional'} : {}),
    ...(touches.length === 0 ? {} : {touches: {paths: touches, otherwise: 'warn'}}),
    ...(verify === null ? {} : {verify}),
    ...(priority === 0 ? {} : {priority}),
    ...(skills.length === 0 ? {} : {prefer: skills}),
    ...(estimate === null ? {} : {estimate: estimateOf(estimate)}),
  };
}

const MAX_GLOBS = 1000;

/** More files than a task can name are not named. */
function touchesOf({over, files}: Subtask, prefix: string): readonly string[] {
  if (over.length > 0) return [`${literal(prefix)}\${{ item }}`];
  const globs = files.filter(isGlob).map(file => literal(prefix) + (/[*?{]/.test(file) ? file : literal(file)));
  return globs.length > MAX_GLOBS ? [] : globs;
}

function isGlob(file: string): boolean {
  return !file.includes(EXPRESSION) && file.length < 4000 && !/[\u0000-\u001f\u007f]|^[/!\s]|\s$/.test(file);
}

/** As a glob that stands for itself. */
function literal(path: string): string {
  return path.replaceAll(/[\\*?[\]{}()!+@|]/g, String.raw`\$&`);
}

function estimateOf({usd, tokens, durationMs}: Estimate): JsonValue {
  return {
    ...(usd === undefined ? {} : {usd}),
    ...(tokens === undefined ? {} : {tokens}),
    ...(durationMs === undefined ? {} : {duration: durationText(durationMs)}),
  };
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
