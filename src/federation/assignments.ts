import type {Memo} from '../model/attempt.ts';
import {isTerminal} from '../model/task.ts';
import type {Work} from '../model/work.ts';
import type {Assignment, NeedResult} from './engine-io.ts';
import type {TaskNode} from './task-node.ts';
import type {Attempt} from './team.ts';
import {limitedBy} from './attempt-limits.ts';
import type {Turn} from './turn.ts';

/** Tells the host that holds the lease what is to be done. */
export function assign(turn: Turn, attempt: Attempt): void {
  const {id, team, task, agent, host, number, means} = attempt;
  const {item, seq} = task;
  const spec = limitedBy(task.spec, team.agents.groupOf(agent));
  const memo = memoFor(attempt);
  // Filled in rather than spread together: most attempts have none of what follows, and there are many.
  const assignment: {-readonly [K in keyof Assignment]: Assignment[K]} = {
    attempt: id,
    teamId: team.id,
    task: seq,
    taskId: task.id,
    spec,
    item,
    number,
    agentId: agent.id,
    needs: needResults(task),
  };
  if (means) assignment.means = means;
  if (team.twins.mayRunTwice(task, team.spec)) assignment.race = attempt.race;
  if (memo) assignment.memo = memo;
  const review = team.landing.underReview(task);
  if (review) assignment.reviewed = reviewedOf(review);
  turn.effect({type: 'assign', hostId: host, assignment});
}

/** Two cannot go on with the same conversation: that is the first one's. */
function memoFor({task, twinOf}: Attempt): Memo | undefined {
  if (twinOf === null || !task.memo) return task.memo;
  const memo: {-readonly [K in keyof Memo]: Memo[K]} = {...task.memo};
  delete memo.session;
  return memo;
}

function reviewedOf({task, work}: {task: TaskNode; work: Work}): NonNullable<Assignment['reviewed']> {
  return {task: task.seq, taskId: task.id, spec: task.spec, work, item: task.item};
}

/** How the needs of a task ended, for the agent that runs it. */
function needResults(task: TaskNode): NeedResult[] {
  return (task.group ?? task).needs.map(need => {
    const {name} = need.state;
    if (!isTerminal(name))
      throw new Error(`Internal error: "${task.id}" starts while its need "${need.id}" is ${name}`);
    const members = need.members;
    return {
      id: need.id,
      name: need.spec.idInPlan ?? need.id,
      seq: need.seq,
      state: name,
      foreach: need.isTemplate,
      total: members?.total ?? 1,
      succeeded: members?.succeeded ?? (name === 'succeeded' ? 1 : 0),
      failed: members?.failed ?? (name === 'failed' ? 1 : 0),
      outputs: need.spec.outputs ?? null,
    };
  });
}
