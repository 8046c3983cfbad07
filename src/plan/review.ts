import type {PromptTask, TaskSpec} from '../model/task.ts';
import {listOf} from './agent-groups.ts';
import {type Scope} from './expressions.ts';
import {checkChoice, choiceOf} from './model-choice.ts';
import type {Problem} from './problem.ts';
import type {DefaultsDocument, ReviewDocument} from './schema.ts';
import {TextCompiler} from './text-compiler.ts';

const DEFAULT_ROUNDS = 2;

interface ReviewRequest {
  readonly review: ReviewDocument;
  readonly inputs: Scope['inputs'];
  readonly defaults: DefaultsDocument;
  readonly report: (problem: Problem) => void;
}

/** How often the task may be sent back. */
export function roundsOf(review: ReviewDocument): number {
  return review.rounds ?? DEFAULT_ROUNDS;
}

export function reviewerId(id: string): string {
  return `${id}.review`;
}

/** The task in which another agent looks at the change of `reviewed`. Nothing needs it, and it needs nothing. */
export function reviewTask(reviewed: TaskSpec, {review, inputs, defaults, report}: ReviewRequest): PromptTask {
  const path = ['tasks', reviewed.id, 'review'];
  checkChoice(review, {path, report});
  const compiler = new TextCompiler({path, scope: {inputs, item: 'none'}, report});
  const focus = review.prompt === undefined ? [DEFAULT_FOCUS] : compiler.template(['prompt'], review.prompt);
  const task = reviewed.prompt ?? [`Run this script:\n${reviewed.run}`];
  const skills = listOf(review.skills);
  const {timeoutMs, workingDirectory, retries, priority, env} = reviewed;
  return {
    id: reviewerId(reviewed.id),
    prompt: [INTRODUCTION, ...task, '\n\n', ...focus, ANSWER],
    reviews: reviewed.id,
    needs: [],
    condition: 'success',
    expressions: {},
    ...(timeoutMs === undefined ? {} : {timeoutMs}),
    retries,
    priority,
    env,
    ...(workingDirectory === undefined ? {} : {workingDirectory}),
    continueOnError: false,
    ...(skills.length === 0 ? {} : {skills}),
    ...choiceOf(review, defaults),
    workspace: 'worktree',
    change: 'none',
  };
}

const INTRODUCTION = `You review the work of another agent before it is accepted. Its change is in this worktree; if \`git diff HEAD\` shows
nothing, \`git show\` does. Read it together with the code around it. Change no files.

What the other agent was told to do:

`;

const DEFAULT_FOCUS = `Judge whether the change does this, correctly and completely, and breaks nothing else. Matters of taste are no reason to
send it back.`;

const ANSWER = `

Answer with one JSON object and nothing else: {"approve": true} when the work can be accepted as it is, otherwise
{"approve": false, "comments": "…"} with what is wrong, where, and what to do about it.`;
