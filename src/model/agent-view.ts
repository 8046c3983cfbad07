import type {AgentState} from './agent.ts';
import type {HealthState} from './health.ts';
import type {AgentId, HostId} from './ids.ts';

/**
 * In what an agent stands out from the others of its group. duration: times what such tasks take anybody. errors: the share of its
 * attempts that failed. memory: growth in bytes a second. output: what it prints, in bytes a second.
 */
export interface AgentAnomaly {
  readonly what: 'duration' | 'errors' | 'memory' | 'output';
  readonly value: number;
  /** Of its group. */
  readonly median: number;
}

/** An agent as every face shows it. Null is unknown. */
export interface AgentView {
  readonly id: AgentId;
  readonly group: string;
  readonly runtime: string;
  readonly model: string | null;
  readonly skills: readonly string[];
  readonly state: AgentState;
  readonly health: HealthState;
  readonly host: HostId | null;
  readonly slots: number;
  /** What it is at work on. */
  readonly tasks: readonly string[];
  readonly succeeded: number;
  readonly failed: number;
  /** Of the last attempts, the newer the heavier, in milliseconds. */
  readonly meanMs: number | null;
  /** 0 to 1, of the last attempts. */
  readonly errorRate: number | null;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** How often its breaker has opened since this daemon was started, or it was restarted. */
  readonly trips: number;
  /** Absent: it is like the others. */
  readonly anomalies?: readonly AgentAnomaly[];
  /** Why it is not given anything, as a sentence; null: nothing speaks against it. */
  readonly why: string | null;
}
