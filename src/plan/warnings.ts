import type {AgentGroup} from '../model/agent.ts';
import type {TaskSpec} from '../model/task.ts';
import {didYouMean} from './did-you-mean.ts';
import type {Problem, ProblemList} from './problem.ts';

interface Surroundings {
  readonly agents: readonly AgentGroup[] | undefined;
  readonly problems: ProblemList;
}

/** Warns of what is legal and probably not meant: tasks that will never run. */
export function warnAbout(specs: readonly TaskSpec[], {agents, problems}: Surroundings): void {
  for (const spec of specs) {
    if (spec.condition === 'failure' && spec.needs.length === 0) {
      problems.warn({
        path: ['tasks', spec.id, 'if'],
        at: 'value',
        message: `task \`${spec.id}\` has \`if: failure()\` and needs nothing, so it will never run`,
        hint: 'add the tasks whose failure it waits for to `needs`',
      });
    }
    const problem = agents && nobodyFor(spec, agents);
    if (problem) problems.warn(problem);
  }
}

/** By the rule by which agents are chosen. They may come from the command line instead, so this is no error. */
function nobodyFor(spec: TaskSpec, agents: readonly AgentGroup[]): Problem | null {
  const {id, reviews, skills = []} = spec;
  const able = agents.filter(group => group.skills.length === 0 || skills.every(skill => group.skills.includes(skill)));
  // Where no group has a runtime, all get one that is found on the machine.
  const asksRuntime = spec.prompt !== undefined && agents.some(({runtime}) => runtime !== 'command');
  if (asksRuntime ? able.some(group => takesPrompt(group, spec)) : able.length > 0) return null;
  const path = reviews === undefined ? ['tasks', id] : ['tasks', reviews, 'review'];
  const name = reviews === undefined ? `task \`${id}\`` : `the review of task \`${reviews}\``;
  const known = new Set(agents.flatMap(group => group.skills));
  const missing = skills.find(skill => !known.has(skill));
  if (able.length > 0) {
    const runs = spec.runtime === undefined ? 'takes prompts' : `runs \`${spec.runtime}\``;
    const message = `no group of \`agents\`${withSkills(skills)} ${runs}, so nobody can do ${name}`;
    return {path, at: 'key', message, hint: 'give such a group a `runtime`, for example `claude`'};
  }
  return {
    path: [...path, 'skills'],
    at: 'value',
    message: `there is no group of \`agents\`${withSkills(skills)}, so nobody can do ${name}`,
    hint: (missing === undefined ? undefined : didYouMean(missing, known)) ?? 'add them to the `skills` of a group',
  };
}

function takesPrompt(group: AgentGroup, {runtime}: TaskSpec): boolean {
  return group.runtime !== 'command' && (runtime === undefined || group.runtime === runtime);
}

function withSkills(skills: readonly string[]): string {
  if (skills.length === 0) return '';
  return ` with ${skills.length === 1 ? 'the skill' : 'the skills'} ${skills.map(skill => `\`${skill}\``).join(', ')}`;
}
