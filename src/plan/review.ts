import type {PromptTask, TaskSpec} from '../model/task.ts';
import {listOf} from './agent-groups.ts';
import {type Scope} from './expressions.ts';
import {checkChoice, choiceOf} from './model-choice.ts';
import type {Problem} from './problem.ts';
import type {ReviewDocument} from './schema.ts';
import {TextCompiler} from './text-compiler.ts';

const DEFAULT_ROUNDS = 2;
/** What the agent was asked, where its change is and how to answer is said with the order. */
const DEFAULT_PROMPT = `Review the change that another agent has made for its task. Judge whether it does what it was asked, correctly and
completely, and breaks nothing else; read the code around it, too. Matters of taste are no reason to send it back.
Answer only with JSON: {"approve": true or false, "comments": "what is wrong, where, and what to do about it"}.`;

interface ReviewRequest {
  readonly review: ReviewDocument;
  readonly inputs: Scope['inputs'];
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
export function reviewTask(reviewed: TaskSpec, {review, inputs, report}: ReviewRequest): PromptTask {
  const path = ['tasks', reviewed.id, 'review'];
  checkChoice(review, {path, report});
  const compiler = new TextCompiler({path, scope: {inputs, item: 'none'}, report});
  const words = review.prompt === undefined ? [DEFAULT_PROMPT] : compiler.template(['prompt'], review.prompt);
  const skills = listOf(review.skills);
  const {timeoutMs, workingDirectory, retries, priority, env} = reviewed;
  return {
    id: reviewerId(reviewed.id),
    prompt: reviewed.run === undefined ? words : [...words, `\n\nIts task was to run this script:\n\n${reviewed.run}`],
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
    ...choiceOf(review),
    workspace: 'worktree',
    change: 'none',
  };
}
