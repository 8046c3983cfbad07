import type {Answer, Backend} from '../api/backend.ts';
import type {
  AgentOrder,
  DaemonView,
  EventQuery,
  ExplainQuery,
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
} from '../api/contract.ts';
import {MAX_LOG_BYTES, MAX_PAGE} from '../api/contract.ts';
import type {MemoryBackend} from '../api/memory-backend.ts';
import {readClock} from '../base/clock.ts';
import {fail, ok} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Settings} from '../config/settings.ts';
import type {Engine} from '../federation/engine.ts';
import type {Input} from '../federation/engine-io.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentView} from '../model/agent-view.ts';
import {type CostView, costView} from '../model/cost-view.ts';
import {type TracedEvent, withTrace} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import type {Failure} from '../model/failure.ts';
import {type TeamId, taskSeq} from '../model/ids.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import {isTerminal} from '../model/task.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {logTail} from '../project/log-tail.ts';
import {type ProjectPaths, teamFolder} from '../project/project-paths.ts';
import type {Store} from '../store/store.ts';
import {agentOutcomes} from './agent-outcomes.ts';
import type {Effects} from './effects.ts';
import {explain} from './explanations.ts';
import type {Hosts} from './hosts.ts';
import {logFile} from './orders.ts';
import type {MemoryWarnings} from './memory/memory-warnings.ts';
import {daemonMetrics} from './daemon-metrics.ts';
import type {Meter} from './meter.ts';
import type {Progress} from './progress.ts';
import type {Requests} from './requests.ts';
import type {SecretStore} from './secrets.ts';
import {Spawns, unwritable} from './spawns.ts';
import {readTaskOutput} from './task-output.ts';
import {TeamRequests} from './team-requests.ts';

export interface DaemonBackendOptions {
  readonly memory: MemoryBackend;
  readonly memoryAt: Backend['memoryAt'];
  readonly memoryWarnings: Pick<MemoryWarnings, 'added'>;
  readonly paths: ProjectPaths;
  readonly version: string;
  readonly settings: Settings;
  readonly agentSettings: AgentSettings;
  readonly engine: Engine;
  readonly store: Store;
  readonly hosts: Hosts;
  readonly requests: Requests;
  readonly effects: Effects;
  readonly secrets: SecretStore;
  readonly progress: Progress;
  readonly meter: Meter;
  readonly submit: (input: Input) => void;
  readonly storeTrouble: () => string | null;
  readonly warnings: readonly string[];
  /** Ends the daemon and its hosts, once the answer that announces it is out. */
  readonly shutDown: () => void;
}

/** Answers the API's requests: what changes anything goes through the engine, what only looks is read at once. */
export class DaemonBackend implements Backend {
  readonly memory: MemoryBackend;
  readonly memoryAt: Backend['memoryAt'];
  readonly #options: DaemonBackendOptions;
  readonly #startedMs = readClock().monoMs;
  readonly #spawns: Spawns;
  readonly #requests: TeamRequests;

  constructor(options: DaemonBackendOptions) {
    this.#options = options;
    this.memory = options.memory;
    this.memoryAt = options.memoryAt;
    this.#spawns = new Spawns({...options, view: id => this.#view(id)});
    this.#requests = new TeamRequests(options);
  }

  daemon(): DaemonView {
    const {paths, version, engine, hosts, storeTrouble, warnings} = this.#options;
    return {
      v: 1,
      pid: process.pid,
      version,
      project: paths.folder,
      projectId: paths.projectId,
      socket: paths.socket,
      uptimeMs: Math.round(readClock().monoMs - this.#startedMs),
      teams: this.teams().map(({team, state}) => ({name: team, state})),
      hosts: engine.hosts().map(({record, state, agents, running}) => ({
        id: record.id,
        pid: record.process.pid,
        state: state === 'connected' ? 'connected' : 'disconnected',
        agents,
        running,
        ...versionOf(hosts.buildOf(record.id)),
      })),
      permits: engine.permits,
      breakers: engine.breakers(),
      breakerCounts: engine.breakerCounts(readClock()),
      storeTrouble: storeTrouble(),
      warnings,
    };
  }

  metrics(): string {
    const {engine, meter} = this.#options;
    const now = readClock();
    return daemonMetrics({
      uptimeMs: Math.round(now.monoMs - this.#startedMs),
      meter,
      teams: engine.figures(),
      edges: engine.breakerCounts(now),
      hosts: engine.hosts().map(({record, state}) => ({
        isConnected: state === 'connected',
        health: engine.hostHealth(record.id),
      })),
      permits: engine.permits.granted,
    });
  }

  takeNoMoreTeams(): void {
    this.#spawns.takeNoMore();
  }

  async stop({force}: {readonly force: boolean}): Promise<Answer<readonly string[]>> {
    await this.#spawns.settled();
    const active = this.teams().filter(({state}) => !isFinal(state));
    const first = active[0];
    if (first && !force) return fail({reason: 'team-active', name: first.team, state: first.state});
    this.takeNoMoreTeams();
    for (const ended of await Promise.all(active.map(({teamId}) => this.#end(teamId)))) if (!ended.ok) return ended;
    this.#options.shutDown();
    return ok(active.map(({team}) => team));
  }

  daemonLog(limit: number): readonly string[] {
    return logTail(this.#options.paths.logFile, limit);
  }

  spawn(request: SpawnRequest, traceId: string): Promise<Answer<TeamView>> {
    return this.#spawns.spawn(request, traceId);
  }

  teams(): readonly TeamView[] {
    return this.#options.engine.teamIds().flatMap(id => this.#view(id) ?? []);
  }

  team(name: string): Answer<TeamView> {
    return this.#named(name, id => {
      const view = this.#view(id);
      return view ? ok(view) : fail(this.#unknownTeam(name));
    });
  }

  async kill(name: string, by: 'user'): Promise<Answer<TeamView>> {
    const id = this.#options.engine.teamNamed(name);
    return id === null ? fail(this.#unknownTeam(name)) : this.#end(id, by);
  }

  async scale(name: string, request: ScaleRequest): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    return team.ok ? this.#requests.scale(team.value, request) : team;
  }

  async run(name: string, request: RunRequest): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    return team.ok ? this.#requests.run(team.value, request) : team;
  }

  async retry(name: string, request: RetryRequest): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    if (!team.ok) return team;
    for (const id of typeof request.tasks === 'string' ? [] : request.tasks) {
      const task = this.#task(name, id, (_, row) => ok(row));
      if (!task.ok) return task;
    }
    return this.#requests.retry(team.value, request);
  }

  async pause(name: string, request: PauseRequest): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    return team.ok ? this.#requests.pause(team.value, request) : team;
  }

  async resume(name: string, request: ResumeRequest): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    return team.ok ? this.#requests.resume(team.value, request) : team;
  }

  async order(name: string, order: AgentOrder): Promise<Answer<TeamView>> {
    const team = this.#changeable(name);
    return team.ok ? this.#requests.order(team.value, order) : team;
  }

  agents(name: string): Answer<readonly AgentView[]> {
    const {engine, store} = this.#options;
    return this.#named(name, id => {
      const outcomes = agentOutcomes(store.attempts(id));
      return ok(engine.agents(id, {now: readClock(), recorded: agent => outcomes.get(agent)}));
    });
  }

  async explain(name: string, query: ExplainQuery): Promise<Answer<Explanation>> {
    const team = this.team(name);
    if (!team.ok) return team;
    const agents = this.agents(name);
    if (!agents.ok) return agents;
    const {engine, store} = this.#options;
    const task = (id: string) => this.#task(name, id, (_, row) => ok(row));
    return explain(query, {view: team.value, engine, store, agents: agents.value, task});
  }

  async remove(name: string): Promise<Answer<void>> {
    const {engine, requests, submit, effects} = this.#options;
    const teamId = engine.teamNamed(name);
    if (teamId === null) return fail(this.#unknownTeam(name));
    const removed = await requests.ask(request => submit({type: 'remove-team', request, teamId}));
    if (!removed.ok) return removed;
    await effects.removeFiles(teamId);
    return ok(undefined);
  }

  tasks(name: string, {after, limit = MAX_PAGE, ...query}: TaskListQuery): Answer<readonly TaskRow[]> {
    const place = after === undefined ? {} : {after: taskSeq(after)};
    return this.#named(name, id => ok(this.#options.store.tasks(id, {...query, ...place, limit})));
  }

  attempts(name: string, taskId: string): Answer<readonly AttemptRow[]> {
    return this.#task(name, taskId, (id, task) => ok(this.#options.store.attempts(id, task.seq)));
  }

  cost(name: string): Answer<CostView> {
    return this.#named(name, id => {
      const row = this.#options.store.teams().find(each => each.id === id);
      const costs = this.#options.store.cost(id);
      const budget = this.#view(id)?.budget ?? null;
      return row ? ok(costView({team: row.spec.name, budget, costs})) : fail(this.#unknownTeam(name));
    });
  }

  async log(name: string, asked: LogQuery): Promise<Answer<LogPart>> {
    const {hosts, paths} = this.#options;
    const found = this.#logOf(name, asked);
    if (!found.ok) return found;
    const {teamId, file, hasEnded} = found.value;
    const offset = asked.offset ?? 0;
    if (file === null) return ok({v: 1, data: Buffer.alloc(0), offset, size: null, over: hasEnded});
    const length = asked.length ?? MAX_LOG_BYTES;
    const part = await hosts.read({folder: teamFolder(paths, teamId), file, offset, length});
    if (!part.ok) return part;
    const {data, size} = part.value;
    return ok({v: 1, data, offset, size, over: hasEnded && offset + data.length >= (size ?? 0)});
  }

  async output(name: string, {task, offset = 0, length = MAX_LOG_BYTES}: OutputQuery): Promise<Answer<OutputPart>> {
    const {hosts, paths} = this.#options;
    const found = this.#task(name, task, (teamId, row) => ok({teamId, row}));
    if (!found.ok) return found;
    const {teamId, row} = found.value;
    const folder = teamFolder(paths, teamId);
    return readTaskOutput(row, {offset, length, read: part => hosts.read({folder, ...part})});
  }

  events(name: string, {after = 0, limit = MAX_PAGE}: EventQuery): Answer<readonly TracedEvent[]> {
    return this.#named(name, teamId => {
      const traceId = this.#view(teamId)?.traceId ?? '';
      return ok(this.#options.store.events({teamId, after, limit}).map(event => withTrace(event, traceId)));
    });
  }

  #end(teamId: TeamId, by: 'user' = 'user'): Promise<Answer<TeamView>> {
    const {requests, submit} = this.#options;
    return requests.ask(request => submit({type: 'end-team', request, teamId, by}));
  }

  #view(id: TeamId): TeamView | null {
    const {engine, progress, memoryWarnings} = this.#options;
    const view = engine.view(id, {now: readClock(), lastLine: attempt => progress.lastLine(attempt)});
    return view && memoryWarnings.added(view);
  }

  #named<T>(name: string, found: (id: TeamId) => Answer<T>): Answer<T> {
    const id = this.#options.engine.teamNamed(name);
    return id === null ? fail(this.#unknownTeam(name)) : found(id);
  }

  /** Nothing is done before it is recorded: what cannot be is refused, not left waiting without a word. */
  #changeable(name: string): Answer<TeamView> {
    const {paths, storeTrouble} = this.#options;
    const trouble = storeTrouble();
    return trouble === null ? this.team(name) : fail(unwritable(paths, trouble));
  }

  #unknownTeam(name: string): Failure {
    return {reason: 'team-not-found', name, known: this.teams().map(({team}) => team)};
  }

  #task<T>(name: string, taskId: string, found: (id: TeamId, task: TaskRow) => Answer<T>): Answer<T> {
    return this.#named(name, id => {
      const {store} = this.#options;
      const task = store.tasks(id, {id: taskId, limit: 1})[0];
      if (task) return found(id, task);
      const ids = store.tasks(id, {limit: MAX_PAGE}).map(row => row.id);
      return fail({reason: 'task-not-found', team: name, task: taskId, similar: similarTo(taskId, ids)});
    });
  }

  #logOf(name: string, {task, attempt}: LogQuery): Answer<AttemptLog> {
    return this.#task<AttemptLog>(name, task, (teamId, row) => {
      const attempts = this.#options.store.attempts(teamId, row.seq);
      const chosen = attempt === undefined ? attempts.at(-1) : attempts.find(({number}) => number === attempt);
      if (!chosen) return ok({teamId, file: null, hasEnded: isTerminal(row.state.name)});
      return ok({teamId, file: logFile(row.seq, chosen.number), hasEnded: chosen.endedAtMs !== null});
    });
  }
}

function versionOf(build: string | null): {version?: string} {
  return build === null ? {} : {version: build};
}

interface AttemptLog {
  readonly teamId: TeamId;
  /** Null while there is no such attempt. */
  readonly file: string | null;
  readonly hasEnded: boolean;
}
