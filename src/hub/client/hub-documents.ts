import type {Alarms} from './alarms.ts';
import type {HubAdapter, HubAdapterEvent} from './hub-adapter.ts';
import {badOption, HubError} from './hub-error.ts';
import {noDocuments} from './document-sync.ts';
import {HubDocument} from './hub-document.ts';

/** Documents of one agent at the same time, as many as a hub lets one connection take part in. */
const MAX_OPEN = 100;
const MAX_NAME = 200;

/** The shared documents of one agent, each once, behind whatever connection there is. */
export class HubDocuments {
  readonly #alarms: Alarms;
  readonly #open = new Map<string, HubDocument>();
  #adapter: HubAdapter | null = null;
  #unlisten: () => void = () => undefined;

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  /** Throws a HubError: `bad-option` on a name, and where the adapter has no documents; `limit-reached`. */
  document(name: string): HubDocument {
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
      throw badOption(`A document has a name of 1 to ${MAX_NAME} characters`);
    }
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    if (this.#adapter !== null && this.#adapter.document === undefined) throw noDocuments();
    if (this.#open.size >= MAX_OPEN) {
      throw new HubError('limit-reached', `${MAX_OPEN} documents are open, as many as may be: close one first`);
    }
    const document = new HubDocument(name, {alarms: this.#alarms, onClose: () => this.#open.delete(name)});
    this.#open.set(name, document);
    document.follow(this.#adapter);
    return document;
  }

  attach(adapter: HubAdapter): void {
    this.#unlisten();
    this.#adapter = adapter;
    this.#unlisten = adapter.listen(event => this.#onEvent(event));
    for (const document of this.#open.values()) document.follow(adapter);
  }

  detach(): void {
    this.#unlisten();
    this.#adapter = null;
    for (const document of this.#open.values()) document.follow(null);
  }

  /** Waits until what was written is at the hub, if there is a connection, but not for long. Never rejects. */
  async settle(deadlineMs: number): Promise<void> {
    await Promise.all([...this.#open.values()].map(document => document.settle(deadlineMs)));
  }

  closeAll(): void {
    for (const document of [...this.#open.values()]) document.close();
  }

  #onEvent(event: HubAdapterEvent): void {
    if (event.kind === 'document') this.#open.get(event.document)?.hear(event);
    if (event.kind !== 'up' && event.kind !== 'given-up') return;
    for (const document of this.#open.values()) document.hear(event);
  }
}
