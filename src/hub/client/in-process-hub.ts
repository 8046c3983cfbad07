import {randomUUID} from 'node:crypto';
import type {LogEntry, LogItem} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage, HubRole, PresenceNote} from '../../model/hub.ts';
import type {PushResult} from '../../wire/hub-protocol.ts';
import {speaksFor} from '../security/delegation.ts';
import {documentAction, permits} from '../security/permissions.ts';
import type {
  DocumentAnswer,
  DocumentRequest,
  HubAdapter,
  HubAdapterEvent,
  HubListener,
  HubMember,
  HubPage,
  HubWelcome,
  OutgoingMessage,
  Subscription,
} from './hub-adapter.ts';
import {HubError} from './hub-error.ts';
import {HubListeners} from './hub-listeners.ts';
import {InProcessDocuments} from './in-process-documents.ts';
import {promised} from './promised.ts';

interface Tenant {
  readonly logId: string;
  readonly log: LogEntry[];
  readonly positions: Map<string, number>;
  readonly members: Map<string, InProcessAdapter>;
  /** Direct messages that have not been taken in, by agent. */
  readonly mail: Map<string, Map<string, HubMessage>>;
  readonly messageIds: Set<string>;
  readonly documents: InProcessDocuments<InProcessAdapter>;
}

export interface InProcessHubLimits {
  /** Episodes and changes of a tenant. */
  readonly entries: number;
  /** Messages that wait for one agent, and message ids of a tenant that are remembered. */
  readonly messages: number;
  /** Shared documents of a tenant; each has at most 2 MiB. */
  readonly documents: number;
}

const LIMITS: InProcessHubLimits = {entries: 1_000_000, messages: 10_000, documents: 1000};

/**
 * A hub without a line: agents of this process reach it by calls. For tests, and for programs that need what agents share but no server. It
 * keeps everything in memory, believes everybody, and does not search.
 */
export class InProcessHub {
  readonly #limits: InProcessHubLimits;
  readonly #roleOf: (who: HubMember) => HubRole;
  readonly #tenants = new Map<string, Tenant>();

  /** `roleOf`: default: everybody is a worker. */
  constructor({
    roleOf = () => 'worker',
    ...limits
  }: Partial<InProcessHubLimits> & {readonly roleOf?: (who: HubMember) => HubRole} = {}) {
    this.#limits = {...LIMITS, ...limits};
    this.#roleOf = roleOf;
  }

  /** For `hubAdapter`. */
  readonly adapter = (who: HubMember): HubAdapter =>
    new InProcessAdapter({
      who,
      role: this.#roleOf(who),
      tenant: this.#tenant(who.tenantId),
      limits: this.#limits,
    });

  /** Ends all connections, as when a server stops; they come back by `connect`. */
  dropAll(): void {
    for (const {members} of this.#tenants.values()) for (const member of [...members.values()]) member.drop();
  }

  #tenant(tenantId: string): Tenant {
    const known = this.#tenants.get(tenantId);
    if (known !== undefined) return known;
    const tenant: Tenant = {
      logId: randomUUID(),
      log: [],
      positions: new Map(),
      members: new Map(),
      mail: new Map(),
      messageIds: new Set(),
      documents: new InProcessDocuments(this.#limits.documents),
    };
    this.#tenants.set(tenantId, tenant);
    return tenant;
  }
}

class InProcessAdapter implements HubAdapter {
  readonly #who: HubMember;
  readonly #role: HubRole;
  readonly #tenant: Tenant;
  readonly #limits: InProcessHubLimits;
  readonly #listeners = new HubListeners();
  #presence: PresenceNote = {status: 'online', doing: null, skills: []};
  #subscription: Subscription = {news: true, topics: []};
  #welcome: HubWelcome | null = null;
  #sinceMs = 0;
  #ended: HubError | null = null;

  constructor({
    who,
    role,
    tenant,
    limits,
  }: {
    who: HubMember;
    role: HubRole;
    tenant: Tenant;
    limits: InProcessHubLimits;
  }) {
    this.#who = who;
    this.#role = role;
    this.#tenant = tenant;
    this.#limits = limits;
  }

  get isConnected(): boolean {
    return this.#welcome !== null;
  }

  get welcome(): HubWelcome | null {
    return this.#welcome;
  }

  get active(): ActiveAgent {
    return {...this.#presence, agentId: this.#who.agentId, role: this.#role, sinceMs: this.#sinceMs};
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  connect(): Promise<HubWelcome> {
    return promised(() => {
      if (this.#ended !== null) throw this.#ended;
      if (this.#welcome !== null) return this.#welcome;
      const {agentId, tenantId} = this.#who;
      const {members, log, logId, mail} = this.#tenant;
      members.get(agentId)?.replace();
      this.#sinceMs = Date.now();
      this.#welcome = {agentId, tenantId, role: this.#role, epoch: randomUUID(), head: log.length, log: logId};
      members.set(agentId, this);
      if (!mail.has(agentId)) mail.set(agentId, new Map());
      this.tell({kind: 'up', welcome: this.#welcome});
      this.#tellOthers({kind: 'presence', joined: [this.active], changed: [], left: []});
      for (const message of mail.get(agentId)?.values() ?? []) this.tell({kind: 'message', message});
      return this.#welcome;
    });
  }

  push(items: readonly LogItem[]): Promise<readonly PushResult[]> {
    return promised(() => {
      this.#expectUp();
      const fresh: LogEntry[] = [];
      const results = items.map(item => this.#append(item, fresh));
      const head = this.#tenant.log.length;
      if (fresh.length > 0) {
        this.#tellOthers({kind: 'news', entries: fresh, head}, ({subscription}) => subscription.news);
      }
      return results;
    });
  }

  pull(since: number, limit: number): Promise<HubPage> {
    return promised(() => {
      this.#expectUp();
      const {log} = this.#tenant;
      const entries = log.slice(since, since + limit);
      return {entries, head: log.length, more: since + entries.length < log.length};
    });
  }

  setPresence(note: PresenceNote): Promise<void> {
    return promised(() => {
      this.#expectUp();
      this.#presence = note;
      this.#tellOthers({kind: 'presence', joined: [], changed: [this.active], left: []});
    });
  }

  subscribe(subscription: Subscription): Promise<void> {
    return promised(() => {
      this.#expectUp();
      this.#subscription = subscription;
    });
  }

  who(): Promise<readonly ActiveAgent[]> {
    return promised(() => {
      this.#expectUp();
      return [...this.#tenant.members.values()].map(({active}) => active);
    });
  }

  document(request: DocumentRequest): Promise<DocumentAnswer> {
    return promised(() => {
      this.#expectUp();
      const role = this.#welcome?.role ?? 'reader';
      const action = documentAction({update: request.update === null ? null : ''});
      if (!permits(role, action)) throw new HubError('forbidden', `The hub: a ${role} may not do this (${action})`);
      return this.#tenant.documents.take(this, request, (other, update) =>
        other.tell({kind: 'document', document: request.document, update}),
      );
    });
  }

  send(message: OutgoingMessage): Promise<void> {
    return promised(() => {
      this.#expectUp();
      const {messageIds, mail, members} = this.#tenant;
      if (messageIds.has(message.id)) return;
      const told: HubMessage = {...message, from: this.#who.agentId, sentAtMs: Date.now()};
      const {to, topic, skills = []} = message;
      if (to === null) {
        this.#tellOthers({kind: 'message', message: told}, member => member.#isMeant(topic, skills));
      } else {
        const box = mail.get(to);
        if (box === undefined) throw new HubError('not-found', `agent ${to} has never been in this tenant`);
        if (box.size >= this.#limits.messages) {
          throw new HubError('limit-reached', `too many messages wait for agent ${to}`, {retryAfterMs: 1000});
        }
        box.set(told.id, told);
        members.get(to)?.tell({kind: 'message', message: told});
      }
      messageIds.add(message.id);
      const [oldest] = messageIds;
      if (messageIds.size > this.#limits.messages && oldest !== undefined) messageIds.delete(oldest);
    });
  }

  received(messages: readonly string[]): void {
    if (this.#welcome === null) return;
    const box = this.#tenant.mail.get(this.#who.agentId);
    for (const id of messages) box?.delete(id);
  }

  listen(listener: HubListener, options?: {readonly messages?: boolean}): () => void {
    return this.#listeners.add(listener, options);
  }

  close(): Promise<void> {
    return promised(() => {
      this.#ended ??= new HubError('ended', 'The connection to the hub was closed');
      this.#leave('left');
    });
  }

  tell(event: HubAdapterEvent): void {
    this.#listeners.tell(event);
  }

  drop(): void {
    this.#leave('lost');
    this.tell({kind: 'down', error: new HubError('not-connected', 'The connection to the hub ended')});
    // As one over a line does, it comes back by itself.
    setImmediate(() => {
      if (this.#ended === null) void this.connect();
    });
  }

  replace(): void {
    this.#ended = new HubError('replaced', 'another connection of this agent has taken the place of this one');
    this.#leave('replaced');
    this.tell({kind: 'given-up', error: this.#ended});
  }

  #isMeant(topic: string | null, skills: readonly string[]): boolean {
    if (topic !== null && !this.#subscription.topics.includes(topic)) return false;
    return skills.every(skill => this.#presence.skills.includes(skill));
  }

  #leave(why: 'left' | 'lost' | 'replaced'): void {
    if (this.#welcome === null) return;
    this.#welcome = null;
    const {agentId} = this.#who;
    this.#tenant.members.delete(agentId);
    this.#tenant.documents.leave(this);
    this.#tellOthers({kind: 'presence', joined: [], changed: [], left: [{agentId, why}]});
  }

  #append(item: LogItem, fresh: LogEntry[]): PushResult {
    const {log, positions} = this.#tenant;
    const [id, by] =
      item.kind === 'episode' ? [item.episode.id, item.episode.agentId] : [item.change.id, item.change.by];
    const known = positions.get(id);
    if (known !== undefined) return {id, position: known};
    const refuse = (code: 'forbidden' | 'not-found' | 'storage-full', message: string) => ({id, code, message});
    const {agentId} = this.#who;
    if (!speaksFor({agentId, role: this.#role}, by)) {
      return refuse('forbidden', `it is of agent ${by}; you are ${agentId}`);
    }
    if (item.kind === 'change' && !positions.has(item.change.episode)) {
      return refuse('not-found', `there is no episode ${item.change.episode}`);
    }
    if (log.length >= this.#limits.entries) return refuse('storage-full', 'the tenant is full');
    const entry: LogEntry = {...item, position: log.length + 1};
    log.push(entry);
    positions.set(id, entry.position);
    fresh.push(entry);
    return {id, position: entry.position};
  }

  #tellOthers(event: HubAdapterEvent, accepts: (member: InProcessAdapter) => boolean = hearsOf): void {
    for (const member of [...this.#tenant.members.values()]) {
      if (member !== this && accepts(member)) member.tell(event);
    }
  }

  #expectUp(): void {
    if (this.#welcome === null) throw this.#ended ?? new HubError('not-connected', 'There is no connection to the hub');
  }
}

/** Who wants to know who comes and goes. */
function hearsOf({subscription}: InProcessAdapter): boolean {
  return subscription.presence ?? true;
}
