import {randomUUID} from 'node:crypto';
import type {Answer, Backend} from '../api/backend.ts';
import type {
  DaemonView,
  EventQuery,
  LogPart,
  LogQuery,
  OutputPart,
  OutputQuery,
  SpawnRequest,
  TaskListQuery,
} from '../api/contract.ts';
import {MAX_LOG_BYTES, MAX_PAGE} from '../api/contract.ts';
import {readClock} from '../base/clock.ts';
import {fail, ok} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Settings} from '../config/settings.ts';
import type {Engine} from '../federation/engine.ts';
import type {Input} from '../federation/engine-io.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import {type CostView, costView} from '../model/cost-view.ts';
import {type TracedEvent, withTrace} from '../model/event.ts';
import type {Failure} from '../model/failure.ts';
import {type TeamId, taskSeq} from '../model/ids.ts';
import type {Plan} from '../model/plan.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import {isTerminal} from '../model/task.ts';
import {groupsOf, isFinal, type TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {compilePlan} from '../plan/compile-plan.ts';
import {logTail} from '../project/log-tail.ts';
import {type ProjectPaths, teamFolder} from '../project/project-paths.ts';
import type {Store} from '../store/store.ts';
import type {Effects} from './effects.ts';
import type {Hosts} from './hosts.ts';
import {logFile} from './orders.ts';
import {checkAgents, depthOf, needsRepository, specOf} from './team-spec.ts';
import {findRepository} from '../workspace/repository.ts';
import type {Progress} from './progress.ts';
import {daemonEnding, type Requests} from './requests.ts';
import {type SecretStore, splitSecrets} from './secrets.ts';
import {readTaskOutput} from './task-output.ts';
import {unpricedChoice} from './unpriced-choice.ts';

export interface DaemonBackendOptions {
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
  readonly submit: (input: Input) => void;
  readonly storeTrouble: () => string | null;
  readonly warnings: readonly string[];
  /** Ends the daemon and its hosts, once the answer that announces it is out. */
  readonly shutDown: () => void;
}

/** Answers the API's requests: what changes anything goes through the engine, what only looks is read at once. */
export class DaemonBackend implements Backend {
  readonly #options: DaemonBackendOptions;
  readonly #startedMs = readClock().monoMs;
  /** Spawns that are not answered yet, by the key of their request. */
  readonly #spawning = new Map<string, Promise<Answer<TeamView>>>();
  #takesTeams = true;

  constructor(options: DaemonBackendOptions) {
    this.#options = options;
  }

  daemon(): DaemonView {
    const {paths, version, engine, storeTrouble, warnings} = this.#options;
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
      })),
      permits: engine.permits,
      storeTrouble: storeTrouble(),
      warnings,
    };
  }

  /** The daemon is about to end: a team that it took now would be left to nobody. */
  takeNoMoreTeams(): void {
    this.#takesTeams = false;
  }

  async stop({force}: {readonly force: boolean}): Promise<Answer<readonly string[]>> {
    while (this.#spawning.size > 0) await Promise.all(this.#spawning.values());
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

  async spawn(request: SpawnRequest, traceId: string): Promise<Answer<TeamView>> {
    const key = request.key ?? randomUUID();
    const earlier = this.#spawning.get(key) ?? this.#spawnedBefore(key);
    if (earlier) return earlier;
    const refused = this.#whyNotSpawn(request);
    if (refused) return fail(refused);
    const checked = checkAgents(request);
    if (!checked.ok) return checked;
    const plan = request.plan === undefined ? ok(null) : compilePlan(request.plan, 'the plan');
    if (!plan.ok) return plan;
    const size = charactersOf(request.env) + charactersOf(plan.value?.env ?? {});
    if (size > MAX_ENV_CHARACTERS) return fail(envTooLarge(size));
    const depth = this.#depthOf(request);
    if (!depth.ok) return depth;
    const spawned = this.#spawnAs({request, plan: plan.value, depth: depth.value, traceId, requestKey: key});
    this.#spawning.set(key, spawned);
    return spawned.finally(() => this.#spawning.delete(key));
  }

  /** Under the name that was asked for; or, when that is only a suggestion, under the first free one like it. */
  async #spawnAs(facts: {
    request: SpawnRequest;
    plan: Plan | null;
    depth: number;
    traceId: string;
    requestKey: string;
  }): Promise<Answer<TeamView>> {
    const {request, plan} = facts;
    const {plain, secrets} = splitSecrets(request.env, [...(request.secretNames ?? []), ...(plan?.secrets ?? [])]);
    for (;;) {
      const name = request.name ?? this.#freeName(plan?.name ?? 'team');
      const repository = needsRepository(plan) ? await findRepository(request.cwd, {team: name}) : ok(null);
      if (!repository.ok) return repository;
      const spec = specOf({
        ...facts,
        name,
        env: plain,
        secretNames: Object.keys(secrets),
        repository: repository.value,
      });
      const unpriced = this.#unpriced(spec);
      if (unpriced) return fail(unpriced);
      const spawned = await this.#options.requests.ask(
        id => this.#options.submit({type: 'spawn-team', request: id, spec, nameTaken: 'refuse'}),
        // Within the tick that makes the team: its hosts are told the environment right after.
        result => {
          if (result.ok) this.#options.secrets.keep(result.value.teamId, secrets);
        },
      );
      // Somebody else was quicker.
      const again = !spawned.ok && spawned.failure.reason === 'team-exists' && request.name === undefined;
      if (!again) return spawned;
    }
  }

  #freeName(name: string): string {
    const {engine} = this.#options;
    let free = name;
    for (let number = 2; engine.teamNamed(free) !== null; number += 1) free = `${name}-${number}`;
    return free;
  }

  /** An agent may spawn teams only if it was allowed to, no deeper than that, and none larger than its own. */
  #depthOf({env, count}: SpawnRequest): Answer<number> {
    const depth = depthOf(env);
    if (!depth.ok || depth.value === 0) return depth;
    const {engine, settings} = this.#options;
    if (depth.value > settings.maxDepth) {
      return fail({reason: 'spawn-refused', detail: `Teams may be ${settings.maxDepth} deep (max-depth).`});
    }
    const parent = engine.teamNamed(env['GODEL_TEAM'] ?? '');
    const most = parent === null ? null : (this.#view(parent)?.agents.requested ?? null);
    if (most !== null && count > most) {
      return fail({reason: 'spawn-refused', detail: `A team of an agent may have as many agents as its own, ${most}.`});
    }
    return depth;
  }

  #spawnedBefore(key: string): Answer<TeamView> | null {
    const row = this.#options.store.teams().find(({spec}) => spec.requestKey === key);
    const view = row && this.#view(row.id);
    return view ? ok(view) : null;
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
      return row ? ok(costView({team: row.spec.name, budget: row.spec.budget, costs})) : fail(this.#unknownTeam(name));
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
    const {engine, progress} = this.#options;
    return engine.view(id, {now: readClock(), lastLine: attempt => progress.lastLine(attempt)});
  }

  #whyNotSpawn({count}: SpawnRequest): Failure | null {
    const {settings, storeTrouble, paths} = this.#options;
    if (!this.#takesTeams) return daemonEnding;
    const trouble = storeTrouble();
    if (trouble !== null) {
      return {reason: 'store-unusable', path: paths.storeFile, detail: trouble, hint: 'Try again when this is mended.'};
    }
    if (Number.isInteger(count) && count >= 1 && count <= settings.maxAgents) return null;
    return {
      reason: 'out-of-range',
      what: 'The number of agents',
      value: String(count),
      range: `1 to ${settings.maxAgents}`,
      why: `the daemon was started with max-agents ${settings.maxAgents}; \`godel daemon stop\` lets the next command start one with other settings`,
    };
  }

  /** A budget in USD that could not be kept, with no limit of tokens beside it. */
  #unpriced(spec: TeamSpec): Failure | null {
    const {budget, plan} = spec;
    const isInUsd = budget !== undefined && (budget.usd ?? budget.perHour ?? null) !== null;
    if (!isInUsd || budget.tokens !== null) return null;
    const choice = unpricedChoice(groupsOf(spec), plan, this.#options.agentSettings);
    return choice && {reason: 'price-unknown', ...choice};
  }

  #named<T>(name: string, found: (id: TeamId) => Answer<T>): Answer<T> {
    const id = this.#options.engine.teamNamed(name);
    return id === null ? fail(this.#unknownTeam(name)) : found(id);
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

/** What Linux lets a program start with at most; and in one message it reaches every host. */
const MAX_ENV_CHARACTERS = 2 * 1024 * 1024;

function charactersOf(env: Readonly<Record<string, string>>): number {
  return Object.entries(env).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

function envTooLarge(size: number): Failure {
  return {
    reason: 'out-of-range',
    what: 'The environment of the tasks in characters',
    value: String(size),
    range: `at most ${MAX_ENV_CHARACTERS}`,
    why: 'no program can be started with more',
  };
}

interface AttemptLog {
  readonly teamId: TeamId;
  /** Null while there is no such attempt. */
  readonly file: string | null;
  readonly hasEnded: boolean;
}
