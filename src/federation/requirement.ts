import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import type {Escalation} from '../model/plan.ts';
import type {PreferredCost} from '../model/strategy.ts';
import type {TaskSpec} from '../model/task.ts';
import {SkillIndex} from './skill-index.ts';

/** What a task asks of the agent that does it. Tasks that ask the same are interchangeable to the agents. */
export interface Requirement {
  readonly isPrompt: boolean;
  readonly skills: readonly string[];
  readonly prefer: readonly string[];
  /** Null: cheaper agents come first. */
  readonly cost: PreferredCost | null;
  readonly runtime: string | null;
  readonly model: string | null;
  /** After failures: what does it now instead of what the plan or the agent says. */
  readonly escalated: ModelChoice | null;
}

/** Agents that can do a task, and what a prompt is done with if one of them does it (null for a command). */
export interface Candidate {
  readonly group: number;
  readonly choice: ModelChoice | null;
  /** From 0; those of the same one are equally good. */
  readonly tier: number;
}

const ANY_COMMAND: Requirement = {
  isPrompt: false,
  skills: [],
  prefer: [],
  cost: null,
  runtime: null,
  model: null,
  escalated: null,
};

export function requirementOf(spec: TaskSpec, escalated: ModelChoice | null): Requirement {
  const {skills = [], prefer = [], preferredCost: cost = null, runtime = null, model = null} = spec;
  if (spec.prompt === undefined) {
    const isAny = skills.length === 0 && prefer.length === 0 && cost === null;
    return isAny ? ANY_COMMAND : {...ANY_COMMAND, skills, prefer, cost};
  }
  return {isPrompt: true, skills, prefer, cost, runtime, model, escalated};
}

export function requirementKey(requirement: Requirement): string {
  return requirement === ANY_COMMAND ? '' : JSON.stringify(requirement);
}

/** What a task's prompt goes to after so many failures; null: where it always went. */
export function escalation(failures: number, rule: Escalation | undefined): ModelChoice | null {
  if (!rule || rule.to.length === 0) return null;
  const level = Math.min(Math.floor(failures / rule.after), rule.to.length);
  return rule.to[level - 1] ?? null;
}

/**
 * The groups whose agents can do it, best first: more of the preferred skills, then specialists before those who accept
 * everything, then cheaper ones unless the task says what counts.
 */
export function candidatesFor(requirement: Requirement, groups: readonly AgentGroup[]): readonly Candidate[] {
  const able = skillsOf(groups)
    .groupsWith(requirement.skills)
    .flatMap(index => {
      const group = groups[index];
      return group && runs(group, requirement) ? [{group, index}] : [];
    })
    .sort((a, b) => preference(a.group, b.group, requirement) || a.index - b.index);
  let tier = 0;
  return able.map(({group, index}, place) => {
    const before = able[place - 1];
    if (before && preference(before.group, group, requirement) !== 0) tier += 1;
    return {group: index, choice: choiceOf(group, requirement), tier};
  });
}

function runs(group: AgentGroup, {isPrompt, runtime, escalated}: Requirement): boolean {
  if (!isPrompt) return true;
  return group.runtime !== 'command' && (escalated !== null || runtime === null || group.runtime === runtime);
}

/** A list of groups never changes: what is known of its skills is found out once. */
function skillsOf(groups: readonly AgentGroup[]): SkillIndex {
  const known = INDEXES.get(groups);
  if (known) return known;
  const made = new SkillIndex(groups);
  INDEXES.set(groups, made);
  return made;
}

const INDEXES = new WeakMap<readonly AgentGroup[], SkillIndex>();

function preference(a: AgentGroup, b: AgentGroup, {prefer, isPrompt, skills, cost}: Requirement): number {
  const liked = (group: AgentGroup) => prefer.filter(skill => group.skills.includes(skill)).length;
  const special = ({skills: has, runtime}: AgentGroup) => {
    // Commands leave agents with a model to the prompts; whoever can do anything is left for what only it can do.
    if (!isPrompt) return runtime === 'command' ? 1 : 0;
    return skills.length > 0 && has.length > 0 ? 1 : 0;
  };
  const price = ({costPerHour}: AgentGroup) => (cost === null ? (costPerHour ?? Number.POSITIVE_INFINITY) : 0);
  return liked(b) - liked(a) || special(b) - special(a) || (price(a) === price(b) ? 0 : price(a) - price(b));
}

function choiceOf(group: AgentGroup, {isPrompt, runtime, model, escalated}: Requirement): ModelChoice | null {
  if (!isPrompt) return null;
  return escalated ?? {runtime: runtime ?? group.runtime, model: model ?? group.model};
}

/** Why nobody in the team can do it, as a sentence without its end. */
export function unmet({isPrompt, skills, runtime}: Requirement): string {
  const has =
    skills.length === 0 ? '' : ` with ${skills.length === 1 ? 'the skill' : 'the skills'} ${skills.join(', ')}`;
  if (!isPrompt) return `no agent of the team${has}`;
  return `no agent of the team${has} that runs ${runtime ?? 'a coding agent'}`;
}
