import {never} from '../../base/never.ts';
import type {LogEntry} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage, PresenceNote} from '../../model/hub.ts';
import {isSealedBody, legibleAgent} from '../security/sealed-talk.ts';
import {isSealedItem} from '../security/tenant-seal.ts';
import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import type {WaitOptions} from './hub-replica.ts';
import type {HubAdapter, HubAdapterEvent, HubWelcome} from './hub-adapter.ts';
import {NO_DOCUMENTS} from './end-to-end.ts';
import {HelpDesk} from './help-desk.ts';
import type {HubDocument} from './hub-document.ts';
import {HubDocuments} from './hub-documents.ts';
import {badOption, HubError} from './hub-error.ts';
import {Inbox} from './inbox.ts';
import {Listeners} from './listeners.ts';
import {MemoryNews} from './memory-news.ts';
import {
  emitKind,
  type Knowledge,
  type RealtimeEvents,
  type TaskAssignment,
  type TaskReport,
} from './realtime-events.ts';
import {realtimeAdapter} from './realtime-adapter.ts';
import type {BroadcastOptions, HelpOptions, RealtimeOptions, SendOptions} from './realtime-options.ts';
import {messageOf, sendMessage, type Told} from './send-message.ts';
import {follow, unfollow} from './shared-topics.ts';
import {uuidV7} from './uuid-v7.ts';

const SEND_MS = 10_000;
const HELP_MS = 30_000;
const MAX_ANSWERS = 1000;
/** Messages that cannot be opened and are left at the hub. */
const MAX_SEALED = 100;
/** How long what was written into documents may take to be told at the end, in milliseconds. */
const LAST_WORDS_MS = 2000;

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
  readonly #inbox: Inbox;
  readonly #help: HelpDesk;
  /** Ids of messages that could not be opened and were not acknowledged. */
  readonly #sealed = new Set<string>();
  readonly #documents: HubDocuments;
  #presence: PresenceNote;
  #shown: Promise<void> = Promise.resolve();
  #shut: Promise<void> | undefined;

  constructor(agentId: string, tenantId: string, options: RealtimeOptions) {
    const {hub, status = 'online', skills = [], alarms} = options;
    if (hub !== undefined && (hub.agentId !== agentId || hub.tenantId !== tenantId)) {
      throw badOption(
        `The hub given is of agent ${hub.agentId} of tenant ${hub.tenantId}, not of ${agentId} of ${tenantId}`,
      );
    }
    if (hub !== undefined && options.endToEnd !== undefined)
      throw badOption('Give endToEnd to the hub whose connection is used, not here');
    this.agentId = agentId;
    this.tenantId = tenantId;
    this.#options = options;
    this.#alarms = alarms ?? PROCESS_ALARMS;
    this.#presence = {status, doing: null, skills};
    this.#ownsAdapter = hub === undefined;
    this.#adapter = hub?.begin() ?? realtimeAdapter({agentId, tenantId}, this.#presence, options);
    this.#inbox = new Inbox(ids => this.#adapter.received(ids));
    this.#help = new HelpDesk(this.#alarms);
    this.#news = new MemoryNews(this.#adapter, entry => this.#onEntry(entry));
    this.#documents = new HubDocuments(this.#alarms);
    if (this.#ownsAdapter) this.#documents.attach(this.#adapter);
    this.#unlisten = this.#adapter.listen(event => this.#onEvent(event), {messages: true});
    if (this.#adapter.welcome !== null) this.#onUp(this.#adapter.welcome);
    // Whoever wants to know waits by `connect`.
    this.#adapter.connect().catch(() => undefined);
  }

  get isConnected(): boolean {
    return this.#adapter.isConnected;
  }

  /** Resolves when the hub has welcomed us and knows our skills and topics; otherwise as `FederationHub.connect`. */
  async connect(options: WaitOptions = {}): Promise<HubWelcome> {
    const welcome = await this.#adapter.connect(options);
    await this.#shown;
    return welcome;
  }

  /** Answers how to stop listening. */
  on<Name extends keyof RealtimeEvents>(name: Name, listener: (payload: RealtimeEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  off<Name extends keyof RealtimeEvents>(name: Name, listener: (payload: RealtimeEvents[Name]) => void): void {
    this.#listeners.off(name, listener);
  }

  /** To everybody in the tenant, or who follows the topic and has the skills. The body is JSON. Resolves with the id when the hub has it. */
  async broadcast(body: unknown, {topic = null, skills, ...options}: BroadcastOptions = {}): Promise<string> {
    return this.#send({kind: 'message', to: null, topic, skills, body}, options);
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
    const id = uuidV7();
    const help = this.#help.wait(id, {enough: answers, deadlineMs: options.deadlineMs ?? HELP_MS, signal});
    const body = {question, skills: [...skills], data};
    try {
      await this.#send({kind: 'request_help', to, topic, skills, body}, {priority, id, signal});
    } catch (error) {
      this.#help.end(id);
      throw error;
    }
    return help;
  }

  async shareKnowledge(
    {title, content, tags = []}: Omit<Knowledge, 'tags'> & {readonly tags?: readonly string[]},
    {topic = null, skills, ...options}: BroadcastOptions = {},
  ): Promise<string> {
    const body = {title, content, tags: [...tags]};
    return this.#send({kind: 'share_knowledge', to: null, topic, skills, body}, options);
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

  /** As `FederationHub.document`, and of the hub that was given, where one was. */
  document(name: string): HubDocument {
    if (this.#shut) throw new HubError('ended', 'This realtime hub was shut down');
    if (this.#options.endToEnd !== undefined) throw badOption(NO_DOCUMENTS);
    return (this.#options.hub ?? this.#documents).document(name);
  }

  /** Everybody who is there now, this agent too. */
  async getActiveAgents(): Promise<readonly ActiveAgent[]> {
    return (await this.#adapter.who()).map(legibleAgent);
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
    this.#inbox.flush();
    this.#unlisten();
    this.#listeners.clear();
    this.#help.endAll();
    const topics = unfollow(this.#adapter, this);
    if (!this.#ownsAdapter) {
      // Should the connection be gone, nothing comes over it anyway.
      if (this.isConnected) await this.#adapter.subscribe({news: true, topics}).catch(() => undefined);
      return;
    }
    await this.#documents.settle(LAST_WORDS_MS);
    this.#documents.detach();
    this.#documents.closeAll();
    await this.#adapter.close();
  }

  #onEvent(event: HubAdapterEvent): void {
    switch (event.kind) {
      case 'up':
        return this.#onUp(event.welcome);
      case 'news':
        return this.#news.heard(event.entries, event.head);
      case 'presence':
        for (const agent of event.joined) this.#listeners.emit('agent:join', legibleAgent(agent));
        for (const agent of event.changed) this.#listeners.emit('agent:update', legibleAgent(agent));
        for (const gone of event.left) this.#listeners.emit('agent:leave', gone);
        return;
      case 'message':
        return this.#onMessage(event.message);
      case 'document':
      case 'down':
      case 'given-up':
      case 'warning':
        return;
      default:
        return never(event);
    }
  }

  get #topics(): readonly string[] {
    return this.#options.topics ?? [];
  }

  #onUp({head}: HubWelcome): void {
    this.#news.up(head);
    // Otherwise the connection has ended, or this role may not show itself: the next connection tries again.
    this.#shown = this.#show().catch(() => undefined);
    const met = this.#shown.then(async () => this.#listeners.emit('agents:sync', await this.getActiveAgents()));
    met.catch(() => undefined);
  }

  async #show(): Promise<void> {
    // Another's connection knows nothing of our topics; that of our own said them already.
    if (this.#ownsAdapter && this.#options.hubAdapter === undefined) return;
    await this.#adapter.subscribe({news: true, topics: follow(this.#adapter, this, this.#topics)});
    await this.#adapter.setPresence(this.#presence);
  }

  #onEntry(entry: LogEntry): void {
    // To whom it says nothing.
    if (isSealedItem(entry)) return;
    const {position} = entry;
    if (entry.kind === 'episode') {
      if (entry.episode.agentId !== this.agentId)
        this.#listeners.emit('memory:added', {episode: entry.episode, position});
    } else if (entry.change.by !== this.agentId) {
      this.#listeners.emit('memory:updated', {change: entry.change, position});
    }
  }

  #onMessage(message: HubMessage): void {
    if (isSealedBody(message) && this.#isKept(message)) return;
    if (!this.#inbox.take(message) || isSealedBody(message)) return;
    const {to, topic, skills = []} = message;
    // Over a connection that is shared comes what others follow, too; and of what is sealed the hub does not know for whom it is.
    if (to === null && topic !== null && !this.#topics.includes(topic)) return;
    if (to === null && !skills.every(skill => this.#presence.skills.includes(skill))) return;
    this.#help.hear(message);
    this.#listeners.emit('message:received', message);
    emitKind(this.#listeners, message);
  }

  /** What cannot be opened stays at the hub, for when the key is there; but not so much that nothing else reaches this agent. */
  #isKept({id}: HubMessage): boolean {
    if (this.#sealed.size < MAX_SEALED) this.#sealed.add(id);
    return this.#sealed.has(id);
  }

  async #send(
    told: Told,
    {signal, ...options}: SendOptions & {id?: string; signal?: AbortSignal | undefined},
  ): Promise<string> {
    if (this.#shut) throw new HubError('ended', 'This realtime hub was shut down');
    const message = messageOf(told, options);
    const deadlineMs = this.#options.sendMs ?? SEND_MS;
    await sendMessage(this.#adapter, message, {deadlineMs, alarms: this.#alarms, signal});
    return message.id;
  }
}
