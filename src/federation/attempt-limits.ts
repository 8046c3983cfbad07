import type {AgentGroup} from '../model/agent.ts';
import type {Cap} from '../model/budget.ts';
import type {TaskSpec} from '../model/task.ts';

/** The task as an agent of this group does it: what the task has only from the defaults of its plan, the group has a say in. */
export function limitedBy(spec: TaskSpec, group: Pick<AgentGroup, 'limits' | 'timeoutMs'> | undefined): TaskSpec {
  if (!group || (group.limits === undefined && group.timeoutMs === undefined)) return spec;
  const {assumed = [], limits: has = {}} = spec;
  const own = Object.fromEntries(Object.entries(has).filter(([name]) => !assumed.some(each => each === name)));
  const {diskBytes, tokens, ...rest} = group.limits ?? {};
  const limits = {
    ...has,
    ...rest,
    // A worktree has a size, and a prompt has tokens.
    ...(diskBytes !== undefined && (spec.prompt !== undefined || spec.workspace === 'worktree') ? {diskBytes} : {}),
    ...(tokens !== undefined && spec.prompt !== undefined ? {tokens} : {}),
    ...own,
  };
  const isOwn = spec.timeoutMs !== undefined && !assumed.includes('timeoutMs');
  const timeoutMs = isOwn ? spec.timeoutMs : (group.timeoutMs ?? spec.timeoutMs);
  return {
    ...spec,
    ...(Object.keys(limits).length === 0 ? {} : {limits}),
    ...(timeoutMs === undefined ? {} : {timeoutMs}),
  };
}

/** What the budget allows, and no more tokens than an attempt may use. */
export function capped(cap: Cap, {limits}: TaskSpec): Cap {
  const tokens = limits?.tokens;
  return tokens === undefined ? cap : {...cap, tokens: Math.min(cap.tokens ?? tokens, tokens)};
}
