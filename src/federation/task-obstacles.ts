import {plural} from '../base/amount.ts';
import {isTerminal, type TaskState} from '../model/task.ts';
import type {Obstacle} from './dispatcher.ts';
import type {ReadyClass} from './ready-queue.ts';
import type {TaskNode} from './task-node.ts';
import type {Team} from './team.ts';

/** Where a task stands now: that it is ready, for example, is not recorded. */
export interface TaskStanding {
  readonly state: TaskState;
  /** Empty for one that runs or is over. */
  readonly obstacles: readonly string[];
}

const MAX_NAMED = 5;

/** What keeps a task of a team that is not over from running, the most important first; each a sentence. */
export function taskObstacles(
  team: Team,
  task: TaskNode,
  obstacle: (ready: ReadyClass) => Obstacle | null,
): readonly string[] {
  if (task.state.name === 'waiting') return needsOf(task);
  if (task.state.name !== 'ready') return [];
  if (team.isPaused) return ['The team is paused: nothing of it starts until it is resumed.'];
  const ready = team.ready.find(task);
  if (!ready) return ['It waits for its turn.'];
  const members = task.group?.members;
  const {maxParallel} = task.spec;
  if (members && maxParallel !== undefined && members.running >= maxParallel) {
    return [`As many of its kind run as max-parallel allows, ${maxParallel}.`];
  }
  const before = ready.tasks.size - 1;
  const turn = before > 0 ? [`${plural(before, 'other task')} of the same kind may go before it.`] : [];
  const because = obstacle(ready);
  return because === null ? ['Nothing is in its way but its turn.', ...turn] : [sentence(because), ...turn];
}

function sentence({kind, why, isVacant}: Obstacle): string {
  if (kind === 'nobody') return `It waits for ever, as things are: there is ${why}.`;
  if (kind === 'gone') return 'The agents that could do it do not work.';
  if (isVacant) return 'The agents that could do it have left: `godel team scale` starts others.';
  if (kind === 'agents') return why === 'an agent' ? 'No agent is free for it.' : `No agent is free for it: ${why}.`;
  return `It waits for ${why}.`;
}

function needsOf(task: TaskNode): readonly string[] {
  const open = task.needs.filter(({state}) => !isTerminal(state.name));
  if (open.length === 0) return ['It waits for what it is made of.'];
  const named = open.slice(0, MAX_NAMED).map(({id, state}) => `${id} (${state.name})`);
  const more = open.length > named.length ? ` and ${open.length - named.length} more` : '';
  return [`It needs ${named.join(', ')}${more}, which ${open.length === 1 ? 'is' : 'are'} not over.`];
}
