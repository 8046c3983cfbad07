import {randomUUID} from 'node:crypto';
import {sleep} from '../base/clock.ts';
import {PROMETHEUS_TYPE} from '../base/prometheus.ts';
import {fail, ok, type Result} from '../base/result.ts';
import {listensOn} from '../base/unix-socket.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {CostView} from '../model/cost-view.ts';
import type {TracedEvent} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import {
  type AgentOrder,
  API_VERSION,
  type DaemonView,
  type EventQuery,
  type ExplainQuery,
  HEADERS,
  type HubRequest,
  type LogPart,
  type LogQuery,
  type OutputPart,
  type OutputQuery,
  type PauseRequest,
  type ResumeRequest,
  type RetryRequest,
  type RunRequest,
  type ScaleRequest,
  type SpawnRequest,
  type TaskListQuery,
} from './contract.ts';
import {exchange, type HttpAnswer} from './exchange.ts';
import {MemoryClient} from './memory-client.ts';

export interface ClientOptions {
  readonly socket: string;
  readonly projectId: string;
  /** Our own version, told to the daemon. */
  readonly version: string;
  readonly traceparent?: string;
  /** Called once when nobody listens: starts the daemon. Absent: that is a failure. */
  readonly start?: () => Promise<Result<void, Failure>>;
  /** Why the daemon does not answer, when that can be told from outside (stopped, gone). */
  readonly explainSilence?: () => Failure | null;
  /** Called when a change has waited for its answer for some seconds. */
  readonly onSlow?: () => void;
  /** Longest time without an answer in milliseconds, where the answer does not wait for work to end. */
  readonly timeoutMs?: number;
}

type Answer<T> = Promise<Result<T, Failure>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** The answer comes when something has ended, however long that takes. */
  readonly waits?: boolean;
  /** Doing it twice is the same as once; true for GET. */
  readonly isRepeatable?: boolean;
  /** The answer is a page beside `/v1`. */
  readonly isPage?: boolean;
}

/** A daemon that ends waits for its hosts, and these for what they are running. */
const END_LIMIT_MS = 15_000;
const END_LOOK_MS = 20;
const SLOW_MS = 3000;

/**
 * The daemon's API for programs, one method per route of `contract.ts`. Keeps no connection and no state. The daemon is
 * trusted to speak the contract, so answers are not parsed again beyond JSON.
 */
export class ApiClient {
  readonly memory = new MemoryClient(call => this.#call(call));
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get options(): ClientOptions {
    return this.#options;
  }

  /** What teams with this hub remember. */
  memoryAt(hub: HubRequest): MemoryClient {
    return new MemoryClient(call => this.#call(call), hub);
  }

  daemon(): Answer<DaemonView> {
    return this.#call({method: 'GET', path: '/daemon'});
  }

  /** The daemon's figures in the text format of Prometheus. */
  metrics(): Answer<string> {
    return this.#call({method: 'GET', path: '/metrics', isPage: true});
  }

  /** Names of the teams that were ended. Resolves when the daemon has agreed; its process ends right after. */
  async stopDaemon({force}: {readonly force: boolean}): Answer<readonly string[]> {
    return pick(
      await this.#call<{teams: readonly string[]}>({method: 'POST', path: '/daemon/stop', body: {force}, waits: true}),
      body => body.teams,
    );
  }

  async daemonLog(limit: number): Answer<readonly string[]> {
    return pick(
      await this.#call<{lines: readonly string[]}>({method: 'GET', path: `/daemon/logs${query({limit})}`}),
      body => body.lines,
    );
  }

  /** Makes one team, also when the daemon dies before it can answer and the request is sent to the next one. */
  async spawn(request: SpawnRequest): Answer<TeamView> {
    const body = {key: randomUUID(), ...request};
    const call = {method: 'POST', path: '/teams', body, isRepeatable: true} as const;
    return pick(await this.#call<{team: TeamView}>(call), answer => answer.team);
  }

  async teams(): Answer<readonly TeamView[]> {
    return pick(await this.#call<{teams: readonly TeamView[]}>({method: 'GET', path: '/teams'}), body => body.teams);
  }

  team(name: string): Answer<TeamView> {
    return this.#call({method: 'GET', path: teamPath(name)});
  }

  /** Resolves when nothing of the team runs any more. */
  kill(name: string, {signal}: {signal?: AbortSignal | undefined} = {}): Answer<TeamView> {
    return this.#call({
      method: 'POST',
      path: `${teamPath(name)}/kill`,
      body: {by: 'user'},
      signal,
      waits: true,
      isRepeatable: true,
    });
  }

  scale(name: string, request: ScaleRequest): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/scale`, request, {isRepeatable: true});
  }

  run(name: string, request: RunRequest): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/run`, request);
  }

  retry(name: string, request: RetryRequest): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/retry`, request);
  }

  pause(name: string, request: PauseRequest = {}): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/pause`, request, {isRepeatable: true});
  }

  resume(name: string, request: ResumeRequest = {}): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/resume`, request, {isRepeatable: true});
  }

  async agents(name: string): Answer<readonly AgentView[]> {
    const path = `${teamPath(name)}/agents`;
    return pick(await this.#call<{agents: readonly AgentView[]}>({method: 'GET', path}), body => body.agents);
  }

  order(name: string, {agent, what}: AgentOrder): Answer<TeamView> {
    return this.#change(`${teamPath(name)}/agents/${what}`, {agent});
  }

  explain(name: string, asked: ExplainQuery = {}): Answer<Explanation> {
    return this.#call({method: 'GET', path: `${teamPath(name)}/explain${query({...asked})}`});
  }

  async remove(name: string): Answer<void> {
    return pick(await this.#call({method: 'DELETE', path: teamPath(name)}), () => undefined);
  }

  async tasks(name: string, {states, ...rest}: TaskListQuery = {}): Answer<readonly TaskRow[]> {
    const path = `${teamPath(name)}/tasks${query({...rest, state: states?.join(',')})}`;
    return pick(await this.#call<{tasks: readonly TaskRow[]}>({method: 'GET', path}), body => body.tasks);
  }

  async attempts(name: string, taskId: string): Answer<readonly AttemptRow[]> {
    const path = `${teamPath(name)}/tasks/attempts${query({id: taskId})}`;
    return pick(await this.#call<{attempts: readonly AttemptRow[]}>({method: 'GET', path}), body => body.attempts);
  }

  cost(name: string): Answer<CostView> {
    return this.#call({method: 'GET', path: `${teamPath(name)}/cost`});
  }

  async log(name: string, asked: LogQuery): Answer<LogPart> {
    const path = `${teamPath(name)}/log${query({...asked})}`;
    return pick(await this.#call<LogPart & {data: string}>({method: 'GET', path}), body => ({
      ...body,
      data: Buffer.from(body.data, 'base64'),
    }));
  }

  async output(name: string, asked: OutputQuery): Answer<OutputPart> {
    const path = `${teamPath(name)}/output${query({...asked})}`;
    return pick(await this.#call<OutputPart & {data: string}>({method: 'GET', path}), body => ({
      ...body,
      data: Buffer.from(body.data, 'base64'),
    }));
  }

  async events(name: string, asked: EventQuery = {}): Answer<readonly TracedEvent[]> {
    const path = `${teamPath(name)}/events${query({...asked})}`;
    return pick(await this.#call<{events: readonly TracedEvent[]}>({method: 'GET', path}), body => body.events);
  }

  /** What every request carries; the feed's WebSocket sends it too. */
  headers(): Record<string, string> {
    const {version, projectId, traceparent} = this.#options;
    return {
      [HEADERS.version]: version,
      [HEADERS.api]: String(API_VERSION),
      [HEADERS.project]: projectId,
      ...(traceparent === undefined ? {} : {[HEADERS.trace]: traceparent}),
    };
  }

  #change(path: string, body: object, {isRepeatable = false}: {isRepeatable?: boolean} = {}): Answer<TeamView> {
    return this.#call({method: 'POST', path, body, isRepeatable});
  }

  async #call<T>(call: Call): Answer<T> {
    const first = await this.#send(call);
    const {start} = this.#options;
    if (first.ok) {
      const answer = this.#read<T>(first.value);
      const isEnding = !answer.ok && answer.failure.reason === 'daemon-unreachable' && answer.failure.ending === true;
      if (!start || !isEnding) return answer;
      if (!(await this.#hasEnded())) return answer;
    } else if (!('nobodyListens' in first.failure)) return fail(first.failure);
    if (!start) return fail(notRunning());
    const started = await start();
    if (!started.ok) return started;
    const second = await this.#send(call);
    if (second.ok) return this.#read<T>(second.value);
    return fail('nobodyListens' in second.failure ? notRunning() : second.failure);
  }

  async #hasEnded(): Promise<boolean> {
    const deadline = performance.now() + END_LIMIT_MS;
    while (await listensOn(this.#options.socket)) {
      if (performance.now() > deadline) return false;
      await sleep(END_LOOK_MS);
    }
    return true;
  }

  async #send({method, path, body, signal, waits, isRepeatable = method === 'GET', isPage = false}: Call) {
    const {socket, timeoutMs = 60_000, explainSilence = () => null, onSlow} = this.#options;
    const slow = onSlow !== undefined && method !== 'GET' ? setTimeout(onSlow, SLOW_MS).unref() : undefined;
    const answer = await exchange({
      socket,
      method,
      path: isPage ? path : `/v1${path}`,
      headers: this.headers(),
      ...(body === undefined ? {} : {body}),
      timeoutMs: waits ? null : timeoutMs,
      explainSilence,
      signal,
      isRepeatable,
    });
    clearTimeout(slow);
    return answer;
  }

  #read<T>({status, headers, text}: HttpAnswer): Result<T, Failure> {
    const api = Number(headers[HEADERS.api] ?? API_VERSION);
    if (api !== API_VERSION) {
      return fail({
        reason: 'daemon-incompatible',
        daemonVersion: String(headers[HEADERS.version] ?? 'unknown'),
        ourVersion: this.#options.version,
        older: api < API_VERSION ? 'daemon' : 'client',
      });
    }
    // A page is text, as its type says.
    if (status === 200 && headers['content-type'] === PROMETHEUS_TYPE) return ok(text as T);
    const body = parseJson(text);
    // The contract says what a successful answer holds; the daemon is trusted with it.
    if (status === 200 && body !== null) return ok(body as T);
    const failure = body?.['error'] as Failure | undefined;
    return fail(failure ?? {reason: 'unexpected', message: `The daemon answered ${status}: ${text.slice(0, 500)}`});
  }
}

function pick<A, B>(answer: Result<A, Failure>, part: (value: A) => B): Result<B, Failure> {
  return answer.ok ? ok(part(answer.value)) : answer;
}

function teamPath(name: string): string {
  return `/teams/${encodeURIComponent(name)}`;
}

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined) params.set(key, String(value));
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function parseJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    // Every answer of the contract is an object.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function notRunning(): Failure {
  return {
    reason: 'daemon-unreachable',
    detail: 'No daemon is running for this project.',
    hint: '`godel daemon start` starts it; every team command does so by itself.',
  };
}
