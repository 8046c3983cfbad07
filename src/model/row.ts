import type {AttemptOutcome, SessionMark} from './attempt.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from './ids.ts';
import type {AttemptMeans} from './attempt-means.ts';
import type {StoredTask} from './record.ts';
import type {TaskStateName} from './task.ts';
import type {TeamSpec, TeamState} from './team.ts';
import type {TeamView} from './team-view.ts';

export interface TeamRow {
  readonly id: TeamId;
  readonly spec: Omit<TeamSpec, 'plan' | 'env'> & {readonly hasPlan: boolean};
  readonly state: TeamState;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** Set when the team is over. */
  readonly view: TeamView | null;
}

export interface TaskQuery {
  readonly states?: readonly TaskStateName[];
  /** Exact id. */
  readonly id?: string;
  /** Tasks with a greater seq, for paging. */
  readonly after?: TaskSeq;
  readonly limit?: number;
}

export type TaskRow = StoredTask;

export interface AttemptRow {
  readonly id: AttemptId;
  readonly teamId: TeamId;
  readonly task: TaskSeq;
  readonly taskId: string;
  readonly number: number;
  readonly agentId: AgentId;
  readonly hostId: HostId;
  readonly leasedAtMs: number;
  readonly endedAtMs: number | null;
  /** null while the attempt runs, and when it was lost with its host. */
  readonly outcome: AttemptOutcome | null;
  /** Absent for a command. */
  readonly means?: AttemptMeans;
  readonly session?: SessionMark;
  /** The attempt beside which it was started as a second one. */
  readonly twinOf?: AttemptId;
}
