import {sleep} from '../../base/clock.ts';
import {never} from '../../base/never.ts';
import type {LogEntry} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage, MessageKind, PresenceNote, Priority} from '../../model/hub.ts';
import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import type {FederationHub, HubAdapterSource, WaitOptions} from './federation-hub.ts';
import type {HubAdapter, HubAdapterEvent, HubWelcome, OutgoingMessage} from './hub-adapter.ts';
import type {CertificatePaths} from './hub-endpoint.ts';
import {badOption, HubError, hubErrorOf, isPassing} from './hub-error.ts';
import type {HubToken} from './hub-token.ts';
import {Listeners} from './listeners.ts';
import {MemoryNews} from './memory-news.ts';
import {
  type Knowledge,
  readAssignment,
  readHelpRequest,
  readKnowledge,
  readReport,
  readStatus,
  type RealtimeEvents,
  type TaskAssignment,
  type TaskReport,
} from './realtime-events.ts';
import {RecentIds} from './recent-ids.ts';
import {uuidV7} from './uuid-v7.ts';
import {WebSocketHub} from './web-socket-hub.ts';

export interface RealtimeOptions extends CertificatePaths {
  /** Use the connection of this hub, such as `agent.hub`: an agent has one connection at a time. Instead of an endpoint. */
  readonly hub?: FederationHub;
  readonly endpoint?: string;
  readonly token?: HubToken;
  readonly hubAdapter?: HubAdapterSource;
  readonly sessionId?: string | null;
  readonly skills?: readonly string[];
  readonly status?: string;
  /** Messages to everybody that name one of these are heard, beside those that name none. */
  readonly topics?: readonly string[];
  /** How long a message waits for the connection and is tried again, in milliseconds. */
  readonly sendMs?: number;
  readonly alarms?: Alarms;
}

export interface SendOptions {
  readonly priority?: Priority;
  /** Of the message it answers. */
  readonly correlationId?: string;
}

export interface BroadcastOptions extends SendOptions {
  readonly topic?: string;
}

export interface HelpOptions {
  /** One agent; without it everybody, or those who follow the topic. */
  readonly to?: string;
  readonly topic?: string;
  readonly skills?: readonly string[];
  readonly data?: unknown;
  readonly priority?: Priority;
  /** So many answers are enough. */
  readonly answers?: number;
  /** Milliseconds until whatever came is all. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

const SEND_MS = 10_000;
const RETRY_MS = 100;
const HELP_MS = 30_000;
/** Ids of messages that are remembered, so that none is told twice. */
const MAX_IDS = 10_000;
/** Requests for help that wait for answers. */
const MAX_HELP = 1000;
const MAX_ANSWERS = 1000;

interface Help {
  readonly answers: HubMessage[];
  readonly enough: number;
  done(): void;
}

/** Begins to connect; what happens before the first listener is added in the same turn is not missed. Throws a HubError `bad-option`. */
export function createRealtimeHub(agentId: string, tenantId: string, options: RealtimeOptions): RealtimeHub {
  return new RealtimeHub(agentId, tenantId, options);
}

/** Who is there, what they say, and what they remember, as it happens. Made by `createRealtimeHub`. */
export class RealtimeHub implements AsyncDisposable {
  readonly agentId: string;
  readonly tenantId: string;
  readonly #options: RealtimeOptions;
  readonly #alarms: Alarms;
  readonly #adapter: HubAdapter;
  readonly #ownsAdapter: boolean;
  readonly #unlisten: () => void;
  readonly #listeners = new Listeners<RealtimeEvents>();
  readonly #news: MemoryNews;
  readonly #ids = new RecentIds(MAX_IDS);
  readonly #help = new Map<string, Help>();
  #acks: string[] = [];
  #presence: PresenceNote;
  #shut: Promise<void> | undefined;

  constructor(agentId: string, tenantId: string, options: RealtimeOptions) {
    const {hub, status = 'online', skills = [], alarms} = options;
    if (hub !== undefined && (hub.agentId !== agentId || hub.tenantId !== tenantId)) {
      throw badOption(
        `The hub given is of agent ${hub.agentId} of tenant ${hub.tenantId}, not of ${agentId} of ${tenantId}`,
      );
    }
    this.agentId = agentId;
    this.tenantId = tenantId;
    this.#options = options;
    this.#alarms = alarms ?? PROCESS_ALARMS;
    this.#presence = {status, doing: null, skills};
    this.#ownsAdapter = hub === undefined;
    this.#adapter = hub?.begin() ?? this.#newAdapter();
    this.#news = new MemoryNews(this.#adapter, entry => this.#onEntry(entry));
    this.#unlisten = this.#adapter.listen(event => this.#onEvent(event), {messages: true});
    if (this.#adapter.welcome !== null) this.#onUp(this.#adapter.welcome);
    // Whoever wants to know waits by `connect`.
    this.#adapter.connect().catch(() => undefined);
  }

  get isConnected(): boolean {
    return this.#adapter.isConnected;
  }

  /** Resolves when the hub has welcomed us; as `FederationHub.connect`. */
  async connect(options: WaitOptions = {}): Promise<HubWelcome> {
    return this.#adapter.connect(options);
  }

  /** Answers how to stop listening. */
  on<Name extends keyof RealtimeEvents>(name: Name, listener: (payload: RealtimeEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  off<Name extends keyof RealtimeEvents>(name: Name, listener: (payload: RealtimeEvents[Name]) => void): void {
    this.#listeners.off(name, listener);
  }

  /** To everybody in the tenant, or who follows the topic. The body is JSON. Resolves with the id when the hub has it. */
  async broadcast(body: unknown, {topic, ...options}: BroadcastOptions = {}): Promise<string> {
    return this.#send({kind: 'message', to: null, topic: topic ?? null, body}, options);
  }

  /** To one agent; the hub keeps it for a while when that is away. Resolves with the id when the hub has it. */
  async sendMessage(to: string, body: unknown, options: SendOptions = {}): Promise<string> {
    return this.#send({kind: 'message', to, topic: null, body}, options);
  }

  /** Answers a message, such as a request for help. */
  async reply(
    {from, id}: HubMessage,
    body: unknown,
    options: Omit<SendOptions, 'correlationId'> = {},
  ): Promise<string> {
    return this.sendMessage(from, body, {...options, correlationId: id});
  }

  /** Resolves with the task's id, which is made when none is given. */
  async assignTask(
    to: string,
    {taskId = uuidV7(), description, data = null}: Partial<TaskAssignment> & {readonly description: string},
    options: SendOptions = {},
  ): Promise<string> {
    await this.#send({kind: 'task_assignment', to, topic: null, body: {taskId, description, data}}, options);
    return taskId;
  }

  async reportTaskComplete(
    to: string,
    {taskId, success, result = null}: Omit<TaskReport, 'result'> & {readonly result?: unknown},
    options: SendOptions = {},
  ): Promise<string> {
    return this.#send({kind: 'task_complete', to, topic: null, body: {taskId, success, result}}, options);
  }

  /** Resolves with the answers: as soon as there are enough, or with what came before the deadline, which may be none. */
  async requestHelp(question: string, options: HelpOptions = {}): Promise<readonly HubMessage[]> {
    const {to = null, topic = null, skills = [], data = null, answers = 1, priority = 'high', signal} = options;
    if (!(Number.isInteger(answers) && answers >= 1 && answers <= MAX_ANSWERS)) {
      throw badOption(`answers is ${answers}: use 1 to ${MAX_ANSWERS}`);
    }
    if (this.#help.size >= MAX_HELP) throw new HubError('limit-reached', `${MAX_HELP} requests for help wait already`);
    const id = uuidV7();
    const help = this.#waitFor(id, {answers, deadlineMs: options.deadlineMs ?? HELP_MS, signal});
    const body = {question, skills: [...skills], data};
    try {
      await this.#send({kind: 'request_help', to, topic, body}, {priority, id, signal});
    } catch (error) {
      this.#help.get(id)?.done();
      throw error;
    }
    return help;
  }

  async shareKnowledge(
    {title, content, tags = []}: Omit<Knowledge, 'tags'> & {readonly tags?: readonly string[]},
    {topic, ...options}: BroadcastOptions = {},
  ): Promise<string> {
    const body = {title, content, tags: [...tags]};
    return this.#send({kind: 'share_knowledge', to: null, topic: topic ?? null, body}, options);
  }

  /** Changes what the others see of this agent, and tells them. */
  async updateStatus(
    status: string,
    {doing = null, skills = this.#presence.skills}: {doing?: string | null; skills?: readonly string[]} = {},
  ): Promise<void> {
    this.#presence = {status, doing, skills};
    await this.#adapter.connect({deadlineMs: this.#options.sendMs ?? SEND_MS});
    await this.#adapter.setPresence(this.#presence);
    await this.#send({kind: 'status_update', to: null, topic: null, body: {status, doing}}, {});
  }

  /** Everybody who is there now, this agent too. */
  async getActiveAgents(): Promise<readonly ActiveAgent[]> {
    return this.#adapter.who();
  }

  /** Says goodbye, unless the connection is another's. Those who wait for help get what has come. Twice is the same as once. */
  shutdown(): Promise<void> {
    this.#shut ??= this.#shutdown();
    return this.#shut;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #shutdown(): Promise<void> {
    this.#sendAcks();
    this.#unlisten();
    this.#listeners.clear();
    for (const {done} of [...this.#help.values()]) done();
    if (this.#ownsAdapter) await this.#adapter.close();
  }

  #newAdapter(): HubAdapter {
    const {hubAdapter, endpoint, token, sessionId = null, topics = [], certPath, keyPath, caPath} = this.#options;
    const who = {agentId: this.agentId, tenantId: this.tenantId, sessionId};
    if (typeof hubAdapter === 'function') return hubAdapter(who);
    if (hubAdapter !== undefined) return hubAdapter;
    if (endpoint === undefined || token === undefined) {
      throw badOption('Give an endpoint and a token, or a hub that is connected already, or a hubAdapter');
    }
    const subscription = {news: true, topics};
    const {alarms} = this.#options;
    const presence = this.#presence;
    const options = {...who, endpoint, token, certPath, keyPath, caPath, presence, subscription};
    return new WebSocketHub({...options, ...(alarms && {alarms})});
  }

  #onEvent(event: HubAdapterEvent): void {
    switch (event.kind) {
      case 'up':
        return this.#onUp(event.welcome);
      case 'news':
        return this.#news.heard(event.entries, event.head);
      case 'presence':
        for (const agent of event.joined) this.#listeners.emit('agent:join', agent);
        for (const agent of event.changed) this.#listeners.emit('agent:update', agent);
        for (const gone of event.left) this.#listeners.emit('agent:leave', gone);
        return;
      case 'message':
        return this.#onMessage(event.message);
      case 'down':
      case 'given-up':
      case 'warning':
        return;
      default:
        return never(event);
    }
  }

  #onUp({head}: HubWelcome): void {
    this.#news.up(head);
    void this.#introduce();
  }

  async #introduce(): Promise<void> {
    try {
      // Another's connection knows nothing of our topics; that of our own said them already.
      if (!this.#ownsAdapter || this.#options.hubAdapter !== undefined) {
        await this.#adapter.subscribe({news: true, topics: this.#options.topics ?? []});
        await this.#adapter.setPresence(this.#presence);
      }
      this.#listeners.emit('agents:sync', await this.#adapter.who());
    } catch {
      // The connection has ended, or this role may not show itself: the next connection tries again.
    }
  }

  #onEntry(entry: LogEntry): void {
    const {position} = entry;
    if (entry.kind === 'episode') {
      if (entry.episode.agentId !== this.agentId)
        this.#listeners.emit('memory:added', {episode: entry.episode, position});
    } else if (entry.change.by !== this.agentId) {
      this.#listeners.emit('memory:updated', {change: entry.change, position});
    }
  }

  #onMessage(message: HubMessage): void {
    if (message.to !== null) this.#acknowledge(message.id);
    if (!this.#ids.add(message.id)) return;
    const help = message.correlationId === null ? undefined : this.#help.get(message.correlationId);
    if (help !== undefined) {
      help.answers.push(message);
      if (help.answers.length >= help.enough) help.done();
    }
    this.#listeners.emit('message:received', message);
    this.#emitKind(message);
  }

  /** What does not have the shape of its kind is only told as received. */
  #emitKind(message: HubMessage): void {
    const {kind, body} = message;
    switch (kind) {
      case 'message':
        return;
      case 'task_assignment': {
        const told = readAssignment(body);
        if (told) this.#listeners.emit('message:task_assignment', {...told, message});
        return;
      }
      case 'task_complete': {
        const told = readReport(body);
        if (told) this.#listeners.emit('message:task_complete', {...told, message});
        return;
      }
      case 'request_help': {
        const told = readHelpRequest(body);
        if (told) this.#listeners.emit('message:request_help', {...told, message});
        return;
      }
      case 'share_knowledge': {
        const told = readKnowledge(body);
        if (told) this.#listeners.emit('message:share_knowledge', {...told, message});
        return;
      }
      case 'status_update': {
        const told = readStatus(body);
        if (told) this.#listeners.emit('message:status_update', {...told, message});
        return;
      }
      default:
        return never(kind);
    }
  }

  #acknowledge(id: string): void {
    if (this.#acks.length === 0) setImmediate(() => this.#sendAcks());
    this.#acks.push(id);
    if (this.#acks.length >= MAX_ACKS) this.#sendAcks();
  }

  #sendAcks(): void {
    const acks = this.#acks;
    this.#acks = [];
    if (acks.length > 0) this.#adapter.received(acks);
  }

  /** The same message under the same id, until the hub has it: it passes it on once. */
  async #send(
    {kind, to, topic, body}: {kind: MessageKind; to: string | null; topic: string | null; body: unknown},
    {
      priority = 'normal',
      correlationId,
      id = uuidV7(),
      signal,
    }: SendOptions & {id?: string; signal?: AbortSignal | undefined},
  ): Promise<string> {
    if (this.#shut) throw new HubError('ended', 'This realtime hub was shut down');
    const message: OutgoingMessage = {id, to, topic, kind, body, priority, correlationId: correlationId ?? null};
    const untilMs = this.#alarms.nowMs() + (this.#options.sendMs ?? SEND_MS);
    for (;;) {
      const leftMs = Math.max(0, untilMs - this.#alarms.nowMs());
      try {
        await this.#adapter.connect({deadlineMs: leftMs, signal});
        await this.#adapter.send(message);
        return id;
      } catch (error) {
        if (signal?.aborted) throw error;
        const failure = hubErrorOf(error);
        const pauseMs = failure.retryAfterMs ?? RETRY_MS;
        if (!isPassing(failure) || leftMs <= pauseMs) throw failure;
        await sleep(pauseMs, {signal});
      }
    }
  }

  #waitFor(
    id: string,
    {answers: enough, deadlineMs, signal}: {answers: number; deadlineMs: number; signal: AbortSignal | undefined},
  ): Promise<readonly HubMessage[]> {
    const answers: HubMessage[] = [];
    return new Promise(resolve => {
      const done = () => {
        this.#help.delete(id);
        cancel();
        signal?.removeEventListener('abort', done);
        resolve(answers);
      };
      const cancel = this.#alarms.after(deadlineMs, done);
      signal?.addEventListener('abort', done, {once: true});
      this.#help.set(id, {answers, enough, done});
    });
  }
}

/** As many acknowledgements go into one frame. */
const MAX_ACKS = 500;
