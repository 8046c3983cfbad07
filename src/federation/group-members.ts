import type {Members, TaskNode} from './task-node.ts';

/** An instance is over. */
export function memberOver(members: Members, member: TaskNode): void {
  count(members, member, 1);
  members.open -= 1;
}

/** An instance that was over is about to begin another round. */
export function memberAgain(members: Members, member: TaskNode): void {
  count(members, member, -1);
  members.open += 1;
}

export function addMember(members: Members, member: TaskNode): void {
  members.all.push(member);
  members.total += 1;
  members.open += 1;
}

function count(members: Members, {state, spec}: TaskNode, sign: 1 | -1): void {
  if (state.name === 'succeeded' || (state.name === 'failed' && spec.continueOnError)) members.succeeded += sign;
  else if (state.name === 'cancelled') members.cancelled += sign;
  else members.failed += sign;
}
