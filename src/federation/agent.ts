import type {AgentState} from '../model/agent.ts';
import type {AgentId, HostId} from '../model/ids.ts';

/** An agent in its team: where it is and what it does. Changed only by its `TeamAgents`. */
export interface Agent {
  readonly id: AgentId;
  /** Index of its group in the team. */
  readonly group: number;
  readonly slots: number;
  state: AgentState;
  /** The host it is placed on; null while none is there. */
  host: HostId | null;
  /** Its host is connected and has acknowledged it. */
  isReachable: boolean;
  /** Attempts it is at work on, 0 to `slots`. */
  load: number;
  /** Its runtime failed a probe while it was at work: it is gone when that is over. */
  isBroken: boolean;
}

/** Attempts it could be given now. */
export function freeSlots({state, isReachable, isBroken, slots, load}: Agent): number {
  return state !== 'gone' && isReachable && !isBroken ? slots - load : 0;
}
