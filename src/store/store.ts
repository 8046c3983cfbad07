import type {Costs} from '../model/cost-view.ts';
import type {StoredEvent} from '../model/event.ts';
import type {TaskSeq, TeamId} from '../model/ids.ts';
import type {EngineRecord, StoredState, StoredTeam} from '../model/record.ts';
import type {AttemptRow, TaskQuery, TaskRow, TeamRow} from '../model/row.ts';

/**
 * The daemon's durable state. Synchronous: when `commit` returns, the records survive the death of the machine. Only
 * one process at a time has a store open; a second `open` fails with `store-unusable`.
 */
export interface Store extends Disposable {
  /** Made once with the store; part of the cookie that marks processes as this project's. */
  readonly id: string;
  /** Writes all records in one transaction, or none. Returns the stored form of the events among them, in order. */
  commit(records: readonly EngineRecord[]): readonly StoredEvent[];
  /** What a restarted daemon needs: tasks in the state last recorded, and open attempts beside them. */
  load(): StoredState;
  /** What an engine needs to go on with a team, over or not; null: there is none of that id. */
  loadTeam(id: TeamId): StoredTeam | null;
  /** All teams, over or not, oldest first. */
  teams(): readonly TeamRow[];
  /** As they stand now: a task with an open attempt is `running`, though its lease is all that was recorded of that. */
  tasks(teamId: TeamId, query?: TaskQuery): readonly TaskRow[];
  attempts(teamId: TeamId, task?: TaskSeq): readonly AttemptRow[];
  /** What its attempts of prompts have cost, by task, by agent and by model. */
  cost(teamId: TeamId): Costs;
  /** Events with a cursor greater than `after`, oldest first, at most `limit`. `teamId` null: those of no single team. */
  events(query: {
    readonly teamId?: TeamId | null;
    readonly after: number;
    readonly limit: number;
  }): readonly StoredEvent[];
  /** Deletes the oldest events of finished teams beyond `keep` events in all; returns how many. */
  trimEvents(keep: number): number;
  close(): void;
}
