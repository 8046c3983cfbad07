import type {AgentGroup} from '../model/agent.ts';
import type {ChangeRule, CommandTask, PromptTask, TaskSpec} from '../model/task.ts';
import type {Dice} from './dice.ts';
import {someChoice, someSkills} from './random-agents.ts';

interface PromptOptions {
  readonly dice: Dice;
  readonly groups: readonly AgentGroup[];
  /** The team will be ended from outside: it does no harm if nobody can do the task. */
  readonly mayWait: boolean;
}

/** The task for a coding agent, or for a command with a worktree, or as it was but for some agents only. */
export function withAgents(plain: TaskSpec, options: PromptOptions): TaskSpec {
  const {dice} = options;
  if (plain.prompt !== undefined) return plain;
  const wanted = {...plain, ...randomDemands(options)};
  if (dice.chance(0.6)) return withReview(asPrompt(wanted, options), dice);
  return dice.chance(0.4) ? withReview({...wanted, workspace: 'worktree'}, dice) : wanted;
}

/** The task in which another agent looks at the change of `reviewed`, as `plan/` makes it. */
export function reviewerOf(reviewed: TaskSpec, options: PromptOptions): PromptTask {
  const {retries, priority, env} = reviewed;
  return {
    id: `${reviewed.id}.review`,
    prompt: ['Review it'],
    reviews: reviewed.id,
    needs: [],
    condition: 'success',
    expressions: {},
    ...(reviewed.timeoutMs === undefined ? {} : {timeoutMs: reviewed.timeoutMs}),
    retries,
    priority,
    env,
    continueOnError: false,
    ...randomDemands(options),
    workspace: 'worktree',
    change: 'none',
  };
}

function asPrompt({run, ...facts}: CommandTask, {dice, groups, mayWait}: PromptOptions): PromptTask {
  const choice = dice.chance(0.25) ? someChoice(dice) : null;
  const isThere = groups.some(group => group.runtime === choice?.runtime && group.skills.length === 0);
  return {
    ...facts,
    run: undefined,
    // Failures, and what they lead to, are what is interesting about prompts.
    retries: Math.max(facts.retries, dice.pick([0, 1, 3, 5])),
    prompt: [`Do what "${run}" does`],
    ...(choice && (isThere || mayWait) ? {runtime: choice.runtime} : {}),
    ...(choice?.model && (isThere || mayWait) ? {model: choice.model} : {}),
    workspace: 'worktree',
    change: dice.pick<ChangeRule>(['required', 'required', 'optional', 'none']),
    ...(dice.chance(0.15) ? {estimate: {usd: dice.whole(1, 512) / 1024, tokens: dice.whole(1000, 200_000)}} : {}),
  };
}

function randomDemands({dice}: PromptOptions): Pick<TaskSpec, 'skills' | 'prefer'> {
  return {
    ...(dice.chance(0.35) ? {skills: someSkills(dice)} : {}),
    ...(dice.chance(0.2) ? {prefer: someSkills(dice)} : {}),
  };
}

function withReview<T extends TaskSpec>(task: T, dice: Dice): T {
  if (task.foreach || !dice.chance(0.5)) return task;
  return {...task, review: {rounds: dice.whole(1, 3)}};
}
