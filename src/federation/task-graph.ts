import {taskSeq} from '../model/ids.ts';
import type {Plan} from '../model/plan.ts';
import {TaskNode} from './task-node.ts';

/** The live graph of a checked plan: one node per row of the plan, in its order, with ranks. O(tasks + needs). */
export function buildTaskGraph(plan: Plan): TaskNode[] {
  const nodes = plan.tasks.map(
    (spec, index) =>
      new TaskNode({seq: taskSeq(index), id: spec.id, specIndex: index, spec, group: null, item: undefined}),
  );
  const byId = new Map(nodes.map(node => [node.id, node]));
  for (const node of nodes) {
    for (const need of node.spec.needs) node.link(known(byId, need));
    const source = node.spec.foreach;
    if (source?.from === 'output') node.feedFrom(known(byId, source.task));
  }
  rank(nodes);
  return nodes;
}

function known(byId: ReadonlyMap<string, TaskNode>, id: string): TaskNode {
  const node = byId.get(id);
  if (!node) throw new Error(`Internal error: a checked plan refers to the unknown task "${id}"`);
  return node;
}

/**
 * Upward ranks as in HEFT (Topcuoglu et al., 2002) with unit weights: tasks are visited after all that need them, so
 * that each rank is one more than the largest above it.
 */
function rank(nodes: readonly TaskNode[]): void {
  const unranked = new Uint32Array(nodes.length);
  const queue: TaskNode[] = [];
  for (const node of nodes) {
    unranked[node.seq] = node.dependents.length;
    if (node.dependents.length === 0) queue.push(node);
  }
  for (let node = queue.pop(); node; node = queue.pop()) {
    for (const need of node.needs) {
      need.rank = Math.max(need.rank, node.rank + 1);
      const left = (unranked[need.seq] ?? 0) - 1;
      unranked[need.seq] = left;
      if (left === 0) queue.push(need);
    }
  }
}
