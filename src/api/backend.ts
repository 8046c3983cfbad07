import type {Result} from '../base/result.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {CostView} from '../model/cost-view.ts';
import type {TracedEvent} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import type {
  AgentOrder,
  DaemonView,
  EventQuery,
  ExplainQuery,
  HubRequest,
  LogPart,
  LogQuery,
  OutputPart,
  OutputQuery,
  PauseRequest,
  ResumeRequest,
  RetryRequest,
  RunRequest,
  ScaleRequest,
  SpawnRequest,
  TaskListQuery,
} from './contract.ts';
import type {MemoryBackend} from './memory-backend.ts';

export type Answer<T> = Result<T, Failure>;

/** What the routes need of the daemon, one method per route. */
export interface Backend {
  readonly memory: MemoryBackend;
  /** What a team with this hub remembers. */
  memoryAt(hub: HubRequest): Answer<MemoryBackend>;
  daemon(): DaemonView;
  /** In the text format of Prometheus. */
  metrics(): string;
  stop(options: {readonly force: boolean}): Promise<Answer<readonly string[]>>;
  daemonLog(limit: number): readonly string[];
  spawn(request: SpawnRequest, traceId: string): Promise<Answer<TeamView>>;
  teams(): readonly TeamView[];
  team(name: string): Answer<TeamView>;
  kill(name: string, by: 'user'): Promise<Answer<TeamView>>;
  scale(name: string, request: ScaleRequest): Promise<Answer<TeamView>>;
  run(name: string, request: RunRequest): Promise<Answer<TeamView>>;
  retry(name: string, request: RetryRequest): Promise<Answer<TeamView>>;
  pause(name: string, request: PauseRequest): Promise<Answer<TeamView>>;
  resume(name: string, request: ResumeRequest): Promise<Answer<TeamView>>;
  agents(name: string): Answer<readonly AgentView[]>;
  order(name: string, order: AgentOrder): Promise<Answer<TeamView>>;
  explain(name: string, query: ExplainQuery): Promise<Answer<Explanation>>;
  remove(name: string): Promise<Answer<void>>;
  tasks(name: string, query: TaskListQuery): Answer<readonly TaskRow[]>;
  attempts(name: string, taskId: string): Answer<readonly AttemptRow[]>;
  cost(name: string): Answer<CostView>;
  log(name: string, query: LogQuery): Promise<Answer<LogPart>>;
  output(name: string, query: OutputQuery): Promise<Answer<OutputPart>>;
  events(name: string, query: EventQuery): Answer<readonly TracedEvent[]>;
}
