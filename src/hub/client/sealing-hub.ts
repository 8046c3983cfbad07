import type {Episode, LogEntry, LogItem} from '../../model/episode.ts';
import type {ActiveAgent, PresenceNote} from '../../model/hub.ts';
import type {PushResult} from '../../wire/hub-protocol.ts';
import {noteExcess, openAgent, openMessage, sealBody, sealNote} from '../security/sealed-talk.ts';
import type {TenantSeal} from '../security/tenant-seal.ts';
import type {
  HubAdapter,
  HubAdapterEvent,
  HubListener,
  HubPage,
  HubWelcome,
  OutgoingMessage,
  Subscription,
} from './hub-adapter.ts';
import {badOption} from './hub-error.ts';

/**
 * A hub that is told nothing of what episodes and messages say, nor of what its agent says of itself: all that is sealed on its way there and opened on its
 * way back. What cannot be opened stays sealed. It has neither search nor shared documents, for which the hub would have to read.
 */
export class SealingHub implements HubAdapter {
  readonly #inner: HubAdapter;
  readonly #seal: TenantSeal;
  readonly #agentId: string;
  readonly #sign: ((episode: Episode) => Episode) | null;
  /** One entry is told to several listeners. */
  readonly #opened = new WeakMap<LogEntry, LogEntry>();

  /** `sign`: signs again what was signed, for a signature is of what the hub sees; without it nothing is signed. */
  constructor(
    inner: HubAdapter,
    {seal, agentId, sign = null}: {seal: TenantSeal; agentId: string; sign?: ((episode: Episode) => Episode) | null},
  ) {
    this.#inner = inner;
    this.#agentId = agentId;
    this.#seal = seal;
    this.#sign = sign;
  }

  get isConnected(): boolean {
    return this.#inner.isConnected;
  }

  get welcome(): HubWelcome | null {
    return this.#inner.welcome;
  }

  connect(options?: Parameters<HubAdapter['connect']>[0]): Promise<HubWelcome> {
    return this.#inner.connect(options);
  }

  push(items: readonly LogItem[]): Promise<readonly PushResult[]> {
    return this.#inner.push(items.map(item => this.#closed(item)));
  }

  async pull(since: number, limit: number): Promise<HubPage> {
    const page = await this.#inner.pull(since, limit);
    return {...page, entries: page.entries.map(entry => this.#open(entry))};
  }

  async setPresence(note: PresenceNote): Promise<void> {
    return this.#inner.setPresence(sealedPresence(this.#seal, note, this.#agentId));
  }

  subscribe(subscription: Subscription): Promise<void> {
    return this.#inner.subscribe(subscription);
  }

  async who(): Promise<readonly ActiveAgent[]> {
    return (await this.#inner.who()).map(agent => openAgent(this.#seal, agent));
  }

  send({skills, ...message}: OutgoingMessage): Promise<void> {
    const sent = {...message, ...(skills && {skills}), from: this.#agentId};
    return this.#inner.send({...message, body: sealBody(this.#seal, sent)});
  }

  received(messages: readonly string[]): void {
    this.#inner.received(messages);
  }

  listen(listener: HubListener, options?: {readonly messages?: boolean}): () => void {
    return this.#inner.listen(event => listener(this.#heard(event)), options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #closed(item: LogItem): LogItem {
    const sealed = this.#seal.seal(item);
    const wasSigned = item.kind === 'episode' && item.episode.signature !== null;
    if (sealed.kind === 'change' || !wasSigned || this.#sign === null) return sealed;
    return {kind: 'episode', episode: this.#sign(sealed.episode)};
  }

  #heard(event: HubAdapterEvent): HubAdapterEvent {
    switch (event.kind) {
      case 'news':
        return {...event, entries: event.entries.map(entry => this.#open(entry))};
      case 'message':
        return {...event, message: openMessage(this.#seal, event.message)};
      case 'presence': {
        const opened = (agents: readonly ActiveAgent[]) => agents.map(agent => openAgent(this.#seal, agent));
        return {...event, joined: opened(event.joined), changed: opened(event.changed)};
      }
      default:
        return event;
    }
  }

  #open(entry: LogEntry): LogEntry {
    const known = this.#opened.get(entry);
    if (known !== undefined) return known;
    const item = this.#seal.open(entry);
    const opened = item === null || item === entry ? entry : {...item, position: entry.position};
    this.#opened.set(entry, opened);
    return opened;
  }
}

/** Throws a HubError `bad-option` where it would be too long. */
export function sealedPresence(seal: TenantSeal, note: PresenceNote, agentId: string): PresenceNote {
  const excess = noteExcess(note);
  if (excess === 0) return sealNote(seal, note, agentId);
  throw badOption(`The presence (status, doing and skills) is ${excess} bytes too long to be sealed: say less`);
}
