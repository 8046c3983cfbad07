import type {AgentState} from '../model/agent.ts';
import type {AgentId, AttemptId, HostId} from '../model/ids.ts';

/** An agent in its team: where it is and what it does. Changed only by its `Team`. */
export interface Agent {
  readonly id: AgentId;
  state: AgentState;
  /** The host it is placed on; null while none is there. */
  host: HostId | null;
  attempt: AttemptId | null;
  /** Its runtime failed a probe while it was at work: it is gone when that is over. */
  isBroken: boolean;
}
