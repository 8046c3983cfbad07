import {taskSeq} from '../model/ids.ts';
import type {Plan} from '../model/plan.ts';
import {TaskNode} from './task-node.ts';

/**
 * The live graph of a checked plan: one node per row of the plan, in its order, with ranks. O(tasks + needs). `seqOf`: the
 * number of a row in its team, which is its place unless the plan is not the first.
 */
export function buildTaskGraph(
  {tasks}: Plan,
  {firstIndex = 0, seqOf = index => index}: {firstIndex?: number; seqOf?: (specIndex: number) => number} = {},
): TaskNode[] {
  const nodes = tasks.map((spec, index) => {
    const specIndex = firstIndex + index;
    return new TaskNode({seq: taskSeq(seqOf(specIndex)), id: spec.id, specIndex, spec, group: null, item: undefined});
  });
  const byId = new Map(nodes.map(node => [node.id, node]));
  for (const node of nodes) {
    for (const need of node.spec.needs) node.link(known(byId, need));
    const source = node.spec.foreach;
    if (source?.from === 'output') node.feedFrom(known(byId, source.task));
  }
  rank(nodes, firstIndex);
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
function rank(nodes: readonly TaskNode[], firstIndex: number): void {
  const unranked = new Uint32Array(nodes.length);
  const queue: TaskNode[] = [];
  for (const node of nodes) {
    unranked[node.specIndex - firstIndex] = node.dependents.length;
    if (node.dependents.length === 0) queue.push(node);
  }
  for (let node = queue.pop(); node; node = queue.pop()) {
    for (const need of node.needs) {
      need.rank = Math.max(need.rank, node.rank + 1);
      const index = need.specIndex - firstIndex;
      const left = (unranked[index] ?? 0) - 1;
      unranked[index] = left;
      if (left === 0) queue.push(need);
    }
  }
}
