import {SharedDocument} from '../replica/shared-document.ts';
import type {Alarms} from './alarms.ts';
import {
  documentList,
  type DocumentList,
  documentMap,
  type DocumentMap,
  documentText,
  type DocumentText,
} from './document-parts.ts';
import {DocumentSync, type DocumentSyncOptions} from './document-sync.ts';
import type {HubAdapter, HubAdapterEvent} from './hub-adapter.ts';
import {badOption, HubError} from './hub-error.ts';
import {Listeners} from './listeners.ts';

/** How long what is still to be told may take when it is disposed of, in milliseconds. */
const LAST_WORDS_MS = 2000;

export interface DocumentEvents {
  /** It says something else than before. */
  change: {readonly by: 'here' | 'others'};
  /** What the hub, or this side, did not take. What was written here stays here. */
  error: HubError;
}

/**
 * A document that the agents of a tenant write together: texts, maps and lists of JSON under names, which become the same for all. It can
 * be read and written at any time; what is written goes to the hub, and by it to the others, at the end of the turn, and later where there is
 * no connection. It is in memory: what the hub does not have yet is gone with the last process that had it. At most 2 MiB.
 */
export class HubDocument implements AsyncDisposable {
  readonly name: string;
  readonly #document = new SharedDocument();
  readonly #listeners = new Listeners<DocumentEvents>();
  readonly #sync: DocumentSync;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(name: string, {alarms, onClose}: {alarms: Alarms; onClose: () => void}) {
    this.name = name;
    this.#onClose = onClose;
    const onError = (error: HubError) => this.#listeners.emit('error', error);
    this.#sync = new DocumentSync({name, document: this.#document, alarms, onError});
    this.#document.onChange(({origin}) => this.#listeners.emit('change', {by: origin === null ? 'here' : 'others'}));
  }

  /** Whether the hub has everything that was written here, as far as is known. */
  get isSaved(): boolean {
    return !this.#sync.hasUnsent;
  }

  /** What went wrong last; null: nothing since all was well. */
  get lastError(): HubError | null {
    return this.#sync.lastError;
  }

  /** Throws a HubError `bad-option` on a name that is empty or longer than 200 characters; so do `map` and `list`. */
  text(name: string): DocumentText {
    return this.#part(() => documentText(this.#source, name));
  }

  map(name: string): DocumentMap {
    return this.#part(() => documentMap(this.#source, name));
  }

  list(name: string): DocumentList {
    return this.#part(() => documentList(this.#source, name));
  }

  /** All edits in `edits` become one change, for listeners here and for others. What is thrown in it undoes nothing. */
  edit<T>(edits: () => T): T {
    this.#sync.expectWritable();
    return this.#document.edit(null, edits);
  }

  /** Answers how to stop listening. */
  on<Name extends keyof DocumentEvents>(name: Name, listener: (payload: DocumentEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  off<Name extends keyof DocumentEvents>(name: Name, listener: (payload: DocumentEvents[Name]) => void): void {
    this.#listeners.off(name, listener);
  }

  /**
   * Resolves when the hub has what was written here before, and what it had is here. Waits for the connection. Rejects with a HubError
   * when it is refused, and after `deadlineMs` (30 s).
   */
  sync(options: DocumentSyncOptions = {}): Promise<void> {
    return this.#sync.sync(options);
  }

  /** It takes no part any more. What the hub does not have is gone with it: `sync` first. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sync.end(this.#closedError());
    this.#listeners.clear();
    this.#document[Symbol.dispose]();
    this.#onClose();
  }

  /** Closes it; what is still to be told is told first, if there is a connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(LAST_WORDS_MS);
    this.close();
  }

  /** Waits until what was written is at the hub, if there is a connection, but not for long. Never rejects. */
  async settle(deadlineMs: number): Promise<void> {
    if (this.isSaved || !this.#sync.isConnected) return;
    // What is wrong was told by `error`.
    await this.sync({deadlineMs}).catch(() => undefined);
  }

  /** The adapter it goes by from now on; null: none. */
  follow(adapter: HubAdapter | null): void {
    this.#sync.follow(adapter);
  }

  /** What the adapter says about it. */
  hear(event: HeardEvent): void {
    if (event.kind === 'document') this.#sync.heard(event.update);
    else if (event.kind === 'up') this.#sync.joinAgain();
    else this.#sync.gaveUp(event.error);
  }

  get #source() {
    return {document: this.#document, expectWritable: () => this.#sync.expectWritable()};
  }

  #part<T>(open: () => T): T {
    if (this.#isClosed) throw this.#closedError();
    try {
      return open();
    } catch (error) {
      throw error instanceof RangeError ? badOption(error.message) : error;
    }
  }

  #closedError(): HubError {
    return new HubError('ended', `The document ${this.name} was closed`);
  }
}

export type HeardEvent = Extract<HubAdapterEvent, {kind: 'document' | 'up' | 'given-up'}>;
