import type {Assignment} from '../federation/engine-io.ts';
import type {GivenMemory} from '../model/memory.ts';
import type {OutputKind, TaskSpec, Touches} from '../model/task.ts';
import {memoryNotes} from './memory/given-memories.ts';

/** What an agent is told beside its task: bounded by its parts. */
export interface PromptContext {
  /** The task's own words, with its item filled in. */
  readonly prompt: string;
  readonly assignment: Assignment;
  /** With its item filled in. */
  readonly touches: Touches | null;
  /** For a review: the reviewed task's own words. */
  readonly reviewedPrompt: string | null;
  /** Names in `$GODEL_INPUTS` of what the tasks it needs have put out. */
  readonly inputs: readonly string[];
  readonly memories: readonly GivenMemory[];
}

/** Everything an agent is told for one attempt. */
export function promptText({prompt, assignment, touches, reviewedPrompt, inputs, memories}: PromptContext): string {
  const {spec, memo, reviewed} = assignment;
  const parts = [prompt.trim()];
  if (reviewed) parts.push(reviewNotes(reviewed, reviewedPrompt));
  if (memo?.conflict) parts.push(conflictNotes(memo.conflict.files));
  if (memo?.feedback !== undefined)
    parts.push(section('What was wrong with the attempt before this one', memo.feedback));
  if (inputs.length > 0) parts.push(inputNotes(inputs));
  if (memories.length > 0) parts.push(section('What earlier attempts have learned', memoryNotes(memories)));
  parts.push(
    section(
      'How you work here',
      rules(spec, {touches, isReview: reviewed !== undefined})
        .map(rule => `- ${rule}`)
        .join('\n'),
    ),
  );
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body.trim()}`;
}

function rules(spec: TaskSpec, {touches, isReview}: {touches: Touches | null; isReview: boolean}): string[] {
  const lines = ['You work in a git worktree of your own. Change files below the current folder only.'];
  if (spec.change === 'none') lines.push('Change no file at all.');
  else {
    lines.push('There is no need to commit, and you must not push, switch branches or touch the git configuration.');
    if (touches) lines.push(`Change only files that match: ${touches.globs.join(', ')}.`);
    if (spec.verify !== undefined) lines.push(`When you are done this must succeed: \`${spec.verify.trim()}\``);
  }
  lines.push('Nobody can answer questions: decide yourself, and do the whole task before you stop.');
  if (!isReview && spec.outputs !== undefined) lines.push(outputRule(spec.outputs));
  return lines;
}

function outputRule(kind: OutputKind): string {
  switch (kind) {
    case 'json':
      return 'Your last message must be one JSON value and nothing else: it is what the task puts out.';
    case 'lines':
      return 'Your last message must be the result, one item a line and nothing else: it is what the task puts out.';
    case 'text':
      return 'Your last message must be the result and nothing else: it is what the task puts out.';
  }
}

function reviewNotes({work, taskId}: NonNullable<Assignment['reviewed']>, prompt: string | null): string {
  const asked = prompt === null ? '' : `The agent was asked:\n\n${quote(prompt)}\n\n`;
  return section(
    'What you review',
    `${asked}The change of task ${taskId} is checked out here. See it with \`git diff ${work.base} ${work.commit}\`.

Answer with one JSON object and nothing else: {"approve": true or false, "comments": "what must change, or why it is good"}.`,
  );
}

function conflictNotes(files: readonly string[]): string {
  return section(
    'A conflict to resolve',
    `This task was done before, but others have changed the same lines meanwhile. Your worktree has their state with the earlier
change of this task applied, and conflict markers where both differ, in:

${files.map(file => `- ${file}`).join('\n')}

Bring both together so that the intent of each is kept, and leave no marker. \`git log -5\` tells what the others wanted.`,
  );
}

function inputNotes(inputs: readonly string[]): string {
  return section(
    'What the tasks before this one have put out',
    `In the folder that the environment variable GODEL_INPUTS names:\n\n${inputs.map(name => `- ${name}`).join('\n')}`,
  );
}

function quote(text: string): string {
  return text
    .trim()
    .split('\n')
    .map(line => `> ${line}`)
    .join('\n');
}
