import type {Result} from '../base/result.ts';
import type {CostView} from '../model/cost-view.ts';
import type {TracedEvent} from '../model/event.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import type {
  DaemonView,
  EventQuery,
  LogPart,
  LogQuery,
  SpawnRequest,
  TaskListQuery,
  OutputPart,
  OutputQuery,
} from './contract.ts';

export type Answer<T> = Result<T, Failure>;

/** What the routes need of the daemon, one method per route. */
export interface Backend {
  daemon(): DaemonView;
  stop(options: {readonly force: boolean}): Promise<Answer<readonly string[]>>;
  daemonLog(limit: number): readonly string[];
  spawn(request: SpawnRequest, traceId: string): Promise<Answer<TeamView>>;
  teams(): readonly TeamView[];
  team(name: string): Answer<TeamView>;
  kill(name: string, by: 'user'): Promise<Answer<TeamView>>;
  remove(name: string): Promise<Answer<void>>;
  tasks(name: string, query: TaskListQuery): Answer<readonly TaskRow[]>;
  attempts(name: string, taskId: string): Answer<readonly AttemptRow[]>;
  cost(name: string): Answer<CostView>;
  log(name: string, query: LogQuery): Promise<Answer<LogPart>>;
  output(name: string, query: OutputQuery): Promise<Answer<OutputPart>>;
  events(name: string, query: EventQuery): Answer<readonly TracedEvent[]>;
}
