import {groupsOf, type TeamSpec} from '../model/team.ts';
import {candidatesFor, requirementKey, requirementOf, unmet} from './requirement.ts';

const MAX_WARNINGS = 20;

/** What somebody should know of a team from the start: tasks that nobody in it can do, work that is left out. */
export function warningsOf(spec: TeamSpec): readonly string[] {
  return [...unservable(spec), ...leftOut(spec)].slice(0, MAX_WARNINGS);
}

function unservable(spec: TeamSpec): string[] {
  const groups = groupsOf(spec);
  const seen = new Map<string, {count: number; why: string; first: string}>();
  for (const task of spec.plan?.tasks ?? []) {
    const requirement = requirementOf(task, null);
    const key = requirementKey(requirement);
    const known = seen.get(key);
    if (known) known.count += 1;
    else if (candidatesFor(requirement, groups).length === 0)
      seen.set(key, {count: 1, why: unmet(requirement), first: task.id});
  }
  return [...seen.values()].map(({count, why, first}) => {
    const tasks = count === 1 ? `Task "${first}" waits` : `${count} tasks wait (the first is "${first}")`;
    return `${tasks} for ever: there is ${why}. Add such agents (--skills, or \`agents\` in the plan), or change \`skills\` or \`runtime\` in the plan.`;
  });
}

function leftOut({repository}: TeamSpec): string[] {
  if (!repository || repository.dirtyFiles === 0) return [];
  const files = repository.dirtyFiles === 1 ? 'One file has' : `${repository.dirtyFiles} files have`;
  return [
    `${files} changes that are not committed: the team starts from ${repository.base.slice(0, 10)} without them.`,
  ];
}
