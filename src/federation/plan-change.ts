import type {Plan} from '../model/plan.ts';
import type {TaskSpec} from '../model/task.ts';

/** The plan with an id that is new for each task whose id is taken: `ID#2`, `ID#3`…, also wherever others name it. */
export function withNewIds(plan: Plan, isTaken: (id: string) => boolean): Plan {
  if (!plan.tasks.some(({id}) => isTaken(id))) return plan;
  const own = new Set(plan.tasks.map(({id}) => id));
  const names = new Map<string, string>();
  for (const {id} of plan.tasks) {
    if (!isTaken(id)) continue;
    let name = id;
    for (let number = 2; isTaken(name) || own.has(name); number += 1) name = `${id}#${number}`;
    own.add(name);
    names.set(id, name);
  }
  return {...plan, tasks: plan.tasks.map(spec => renamed(spec, names))};
}

function renamed(spec: TaskSpec, names: ReadonlyMap<string, string>): TaskSpec {
  const {id, needs, foreach, reviews} = spec;
  const nameOf = (of: string) => names.get(of) ?? of;
  const source = foreach?.from === 'output' ? {foreach: {...foreach, task: nameOf(foreach.task)}} : {};
  const reviewed = reviews === undefined ? {} : {reviews: nameOf(reviews)};
  const name = nameOf(id);
  const own = name === id ? {} : {id: name, idInPlan: id};
  return {...spec, ...own, needs: needs.map(nameOf), ...source, ...reviewed};
}
