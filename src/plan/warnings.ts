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

/** The agents may come from the command line, so this is no error. */
function nobodyFor(spec: TaskSpec, agents: readonly AgentGroup[]): Problem | null {
  const {id, reviews, skills = []} = spec;
  const path = reviews === undefined ? ['tasks', id] : ['tasks', reviews, 'review'];
  const name = reviews === undefined ? `task \`${id}\`` : `the review of task \`${reviews}\``;
  if (spec.prompt !== undefined && agents.every(({runtime}) => runtime === 'command')) {
    const hint = 'give a group a `runtime`, for example `claude`';
    return {path, at: 'key', message: `${name} has a prompt, and no group of \`agents\` takes prompts`, hint};
  }
  if (skills.length === 0 || agents.some(group => hasAll(group.skills, skills))) return null;
  const known = new Set(agents.flatMap(group => group.skills));
  const missing = skills.find(skill => !known.has(skill));
  const wanted = skills.map(skill => `\`${skill}\``).join(', ');
  const hint =
    (missing === undefined ? undefined : didYouMean(missing, known)) ?? 'add them to the `skills` of a group';
  const message = `${name} wants ${wanted}, and no group of \`agents\` has ${skills.length === 1 ? 'it' : 'them all'}`;
  return {path: [...path, 'skills'], at: 'value', message, hint};
}

function hasAll(has: readonly string[], wanted: readonly string[]): boolean {
  return has.length === 0 || wanted.every(skill => has.includes(skill));
}
