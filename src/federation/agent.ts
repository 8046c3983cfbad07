import type {AgentStanding, AgentState} from '../model/agent.ts';
import type {AgentId, HostId} from '../model/ids.ts';

/** An agent in its team: where it is and what it does. Changed only by its `TeamAgents`. */
export interface Agent {
  readonly id: AgentId;
  /** Index of its group in the team. */
  readonly group: number;
  readonly slots: number;
  /** What has been decided about it. */
  standing: AgentStanding;
  state: AgentState;
  /** The host it is placed on; null while none is there. */
  host: HostId | null;
  /** Its host is connected and has acknowledged it. */
  isReachable: boolean;
  /** Attempts it is at work on, 0 to `slots`. */
  load: number;
  /** Attempts it may have at a time by how it has done lately, 0 to `slots`. */
  allowance: number;
  /** broken: its runtime failed a probe while it was at work, so it has failed when that is over. */
  runtime: 'works' | 'broken' | 'failed';
  /** Why its runtime does not work, as was said last; null: it does. */
  failedBecause: string | null;
  /** It gives signs of trouble: it is given nothing until they are over. */
  isSuspect: boolean;
  /** It is opened anew as soon as it has no attempt any more. */
  isRestarting: boolean;
  /** Somebody has sent it away by its name: it is not taken back when more agents are needed. */
  isDismissed: boolean;
}

/** Attempts it could be given now. */
export function freeSlots({standing, runtime, isReachable, isSuspect, isRestarting, allowance, load}: Agent): number {
  const takes = standing === 'present' && runtime === 'works' && isReachable && !isSuspect && !isRestarting;
  return takes ? Math.max(0, allowance - load) : 0;
}

/** It is there to stay: it may do something later, if not now. */
export function isLiving({standing, runtime}: Pick<Agent, 'standing' | 'runtime'>): boolean {
  return (standing === 'present' || standing === 'paused') && runtime !== 'failed';
}

/** Where it stands, as everybody sees it. */
export function stateOf({standing, runtime, isSuspect, isReachable, isRestarting, allowance, load}: Agent): AgentState {
  if (standing === 'draining' || standing === 'gone') return load > 0 ? 'draining' : 'gone';
  if (runtime === 'failed') return 'gone';
  if (standing === 'paused') return 'paused';
  if (isSuspect) return 'suspect';
  if (load > 0) return 'busy';
  if (isReachable && allowance === 0) return 'suspect';
  return isReachable && !isRestarting ? 'idle' : 'starting';
}
