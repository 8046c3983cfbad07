import type {ActiveAgent, HubIdentity, PresenceNote, RecallRule} from '../../model/hub.ts';
import type {ClientFrame, HubFrame} from '../../wire/hub-protocol.ts';
import type {HubSocket} from '../../wire/hub-socket.ts';
import type {LeftWhy} from './hub-parts.ts';
import type {HubLimits} from './hub-limits.ts';
import {Outbox, type ReadyMessage} from './outbox.ts';

type Hello = Extract<ClientFrame, {type: 'hello'}>;

export interface Subscription {
  readonly news: boolean;
  readonly topics: ReadonlySet<string>;
  /** Who comes and goes. */
  readonly presence: boolean;
}

export function subscriptionOf({news, topics, presence = true}: Hello['subscription']): Subscription {
  return {news, topics: new Set(topics), presence};
}

/** What a connection has not been told since it was too slow; all of it is made up for when it has taken what waits. */
export interface Missed {
  news: boolean;
  /** Messages to everybody that had to be dropped. */
  messages: number;
  /** Direct messages wait in the mailbox. */
  mail: boolean;
  /** Agents that came, went or changed; why, if they went. */
  readonly agents: Map<string, LeftWhy | null>;
  readonly documents: Set<string>;
}

/** An agent at one of its connections. */
export class Member {
  readonly socket: HubSocket;
  readonly epoch: string;
  readonly sinceMs: number;
  readonly missed: Missed = {news: false, messages: 0, mail: false, agents: new Map(), documents: new Set()};
  readonly outbox = new Outbox();
  readonly documents = new Set<string>();
  subscription: Subscription;
  /** Up to this position it was told to look for itself: by the welcome, or to pull. */
  knowsTo = 0;
  /** What it was told last of what may be recalled; null: nothing. */
  rule: RecallRule | null = null;
  /** Recalls that have not been answered yet. */
  recalling = 0;
  /** A new token is being verified. */
  isRefreshing = false;
  readonly #limits: HubLimits;
  #identity: HubIdentity;
  #presence: PresenceNote;
  #json: string | undefined;
  #skills: ReadonlySet<string> | undefined;

  constructor(
    socket: HubSocket,
    given: {
      identity: HubIdentity;
      epoch: string;
      sinceMs: number;
      presence: PresenceNote | null;
      subscription: Subscription;
      limits: HubLimits;
    },
  ) {
    this.socket = socket;
    this.epoch = given.epoch;
    this.sinceMs = given.sinceMs;
    this.subscription = given.subscription;
    this.#limits = given.limits;
    this.#identity = given.identity;
    this.#presence = given.presence ?? {status: 'online', doing: null, skills: []};
  }

  get identity(): HubIdentity {
    return this.#identity;
  }

  get agentId(): string {
    return this.#identity.agentId;
  }

  /** An `ActiveAgent` as JSON. */
  get json(): string {
    this.#json ??= JSON.stringify({
      ...this.#presence,
      agentId: this.#identity.agentId,
      role: this.#identity.role,
      sinceMs: this.sinceMs,
    } satisfies ActiveAgent);
    return this.#json;
  }

  /** Too much waits for it already: it is not told more, but that it missed something. */
  get isBehind(): boolean {
    const {newsBacklogBytes, newsBacklogFrames} = this.#limits;
    return this.socket.backlogBytes > newsBacklogBytes || this.socket.backlogFrames > newsBacklogFrames;
  }

  get missedSomething(): boolean {
    const {news, messages, mail, agents, documents} = this.missed;
    return news || messages > 0 || mail || agents.size > 0 || documents.size > 0 || !this.outbox.isEmpty;
  }

  become(identity: HubIdentity): void {
    this.#identity = identity;
    this.#json = undefined;
  }

  show(presence: PresenceNote): void {
    this.#presence = presence;
    this.#json = undefined;
    this.#skills = undefined;
  }

  /** Whether a message to everybody is for this one too, as it shows itself now. */
  isMeant({topic, skills}: {readonly topic: string | null; readonly skills: readonly string[]}): boolean {
    if (topic !== null && !this.subscription.topics.has(topic)) return false;
    if (skills.length === 0) return true;
    const mine = (this.#skills ??= new Set(this.#presence.skills));
    return skills.every(skill => mine.has(skill));
  }

  send(frame: HubFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Takes a message to everybody for later; drops it when too many wait. */
  hold(message: ReadyMessage): void {
    const {queuedMessages, queuedBytes} = this.#limits;
    if (this.outbox.count >= queuedMessages || this.outbox.bytes + message.frame.length > queuedBytes) {
      this.missed.messages += 1;
    } else this.outbox.add(message);
  }
}
