import type {Plan} from '../model/plan.ts';
import {predictConflicts} from '../workspace/merge-forecast.ts';

const MAX_SHOWN = 5;

/** Which tasks may change the same files at the same time, by what the plan lets them touch; a line for each pair. */
export function conflictLines(plan: Plan): readonly string[] {
  const tasks = plan.tasks.flatMap(({id, touches, foreach}) => (touches && !foreach ? [{id, touches}] : []));
  if (tasks.length < 2) return [];
  const reach = needsOfAll(plan);
  const mayRunTogether = (a: string, b: string) => !reach(a).has(b) && !reach(b).has(a);
  const {conflicts, omitted} = predictConflicts(tasks, {mayRunTogether, limit: MAX_SHOWN});
  const lines = conflicts.map(({tasks: [a, b], globs: [one, other]}) => {
    const where = one === other ? one : `${one} and ${other}`;
    return `Tasks ${a} and ${b} may change the same files (${where}) at the same time: let one need the other if they do.`;
  });
  return omitted > 0 ? [...lines, `… and ${omitted} more such pairs.`] : lines;
}

/** For each task everything that is over before it starts, found when it is asked for. */
function needsOfAll({tasks}: Plan): (id: string) => ReadonlySet<string> {
  const needs = new Map(tasks.map(task => [task.id, task.needs]));
  const found = new Map<string, ReadonlySet<string>>();
  return id => {
    const known = found.get(id);
    if (known) return known;
    const all = new Set<string>();
    const open = [...(needs.get(id) ?? [])];
    for (let need = open.pop(); need !== undefined; need = open.pop()) {
      if (all.has(need)) continue;
      all.add(need);
      open.push(...(needs.get(need) ?? []));
    }
    found.set(id, all);
    return all;
  };
}
