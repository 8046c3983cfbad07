import {mergeUpdates, saysNothing, type SharedDocument} from '../replica/shared-document.ts';
import {permits} from '../security/permissions.ts';
import type {Alarms} from './alarms.ts';
import {documentError} from './document-parts.ts';
import type {DocumentAnswer, DocumentRequest, HubAdapter} from './hub-adapter.ts';
import {badOption, HubError, hubErrorOf, isPassing} from './hub-error.ts';
import {within} from './within.ts';

/** Updates of ours that wait while one is on its way; more become one. */
const MAX_WAITING = 1000;
/** What waits is not told one by one beyond this, but as what the hub lacks of the whole. Fits a frame as base64. */
const MAX_UPDATE_BYTES = 2 * 2 ** 20;
const SYNC_MS = 30_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5000;
/** Before an edit is tried after one that was refused. */
const REFUSED_MS = 1000;

/** Origin of what the hub has told. */
const OTHERS = 'hub';
const NOBODY_KNOWS = new Uint8Array([0]);

export interface DocumentSyncOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  resolve(): void;
  reject(error: HubError): void;
}

/**
 * Keeps one document in step with a hub. After each connect both sides say by vector what they know and tell what the other lacks; then what
 * is written goes to the hub at the end of the turn, one request at a time. Whatever goes wrong begins it anew.
 */
export class DocumentSync {
  readonly #name: string;
  readonly #document: SharedDocument;
  readonly #alarms: Alarms;
  readonly #onError: (error: HubError) => void;
  readonly #waiting = new Set<Waiting>();
  #adapter: HubAdapter | null = null;
  /** We are told what others change, and the hub is told what we do. */
  #isJoined = false;
  /** The hub refused what is here: nothing is tried before something is different. */
  #isHeld = false;
  #isWorking = false;
  #isPlanned = false;
  #ended: HubError | null = null;
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #hasUnsent = false;
  #tries = 0;
  #lastError: HubError | null = null;
  #cancelRetry: () => void = () => undefined;

  constructor(given: {
    name: string;
    document: SharedDocument;
    alarms: Alarms;
    /** What the hub, or this side, does not take. */
    onError: (error: HubError) => void;
  }) {
    this.#name = given.name;
    this.#document = given.document;
    this.#alarms = given.alarms;
    this.#onError = given.onError;
    this.#document.onChange(({update, origin}) => {
      if (origin !== OTHERS) this.#written(update);
    });
  }

  get isConnected(): boolean {
    return this.#adapter?.isConnected ?? false;
  }

  get hasUnsent(): boolean {
    return this.#hasUnsent;
  }

  get lastError(): HubError | null {
    return this.#lastError;
  }

  /** Throws a HubError when it was ended, and `forbidden` when the hub says that this agent may not write. */
  expectWritable(): void {
    if (this.#ended !== null) throw this.#ended;
    const role = this.#adapter?.welcome?.role;
    if (role === undefined || permits(role, 'document.write')) return;
    throw new HubError('forbidden', `A ${role} may not write into the document ${this.#name}`);
  }

  sync({deadlineMs = SYNC_MS, signal}: DocumentSyncOptions = {}): Promise<void> {
    const failure = this.#failure();
    if (failure !== null) return Promise.reject(failure);
    let waiting: Waiting | undefined;
    const synced = new Promise<void>((resolve, reject) => {
      waiting = {resolve, reject};
      this.#waiting.add(waiting);
    });
    this.joinAgain();
    const why = () => this.#lastError ?? new HubError('timed-out', `The hub did not answer within ${deadlineMs} ms`);
    return within(synced, {ms: deadlineMs, alarms: this.#alarms, signal, why}).finally(() => {
      if (waiting) this.#waiting.delete(waiting);
    });
  }

  /** Follows this adapter from now on; null: none. */
  follow(adapter: HubAdapter | null): void {
    this.#adapter = adapter;
    if (this.isConnected) this.joinAgain();
    else this.#isJoined = false;
  }

  /** The connection is new, or we have missed something. */
  joinAgain(): void {
    this.#isJoined = false;
    this.#isHeld = false;
    this.#wake();
  }

  /** What others have changed; null: we were too slow to be told. */
  heard(update: Uint8Array | null): void {
    if (this.#ended !== null) return;
    if (update === null) return this.joinAgain();
    const applied = this.#document.apply(update, OTHERS);
    if (applied.ok) return;
    // Something before it is missing, such as what was not delivered in order.
    if (applied.failure.kind === 'gap') this.joinAgain();
    else this.#tell(documentError(this.#name, applied.failure));
  }

  /** The hub is not coming back. */
  gaveUp(error: HubError): void {
    this.#isJoined = false;
    this.#lastError = error;
    this.#reject(error);
  }

  end(error: HubError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#cancelRetry();
    this.#reject(error);
    const adapter = this.#adapter;
    if (!adapter?.isConnected || adapter.document === undefined) return;
    // Where it does not arrive, the connection has ended, and our part in it too.
    adapter.document({document: this.#name, vector: null, update: null, leave: true}).catch(() => undefined);
  }

  #failure(): HubError | null {
    if (this.#ended !== null) return this.#ended;
    if (this.#adapter === null) {
      return new HubError('ended', `There is no hub to sync the document ${this.#name} with: connect to one first`);
    }
    return this.#adapter.document === undefined ? noDocuments() : null;
  }

  #written(update: Uint8Array): void {
    this.#hasUnsent = true;
    if (this.#isJoined) this.#post(update);
    if (!this.#isHeld) return this.#wake();
    // Perhaps it made room.
    this.#later(REFUSED_MS, () => this.joinAgain());
  }

  #post(update: Uint8Array): void {
    this.#outbox.push(update);
    this.#outboxBytes += update.length;
    if (this.#outboxBytes > MAX_UPDATE_BYTES) this.#isJoined = false;
    else if (this.#outbox.length > MAX_WAITING) this.#outbox = [mergeUpdates(this.#outbox)];
  }

  /** At the end of the turn, with everything that is written in it. */
  #wake(): void {
    if (this.#isPlanned || this.#ended !== null) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      void this.#work();
    });
  }

  /** One request at a time, until there is nothing to say; what is written meanwhile goes with the next. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    const adapter = this.#adapter;
    try {
      while (adapter?.isConnected && adapter === this.#adapter && !this.#isHeld && this.#ended === null) {
        if (!this.#isJoined) await this.#join(adapter);
        else if (this.#outbox.length > 0) await this.#push(adapter);
        else {
          this.#settled();
          break;
        }
      }
    } catch (error) {
      if (adapter === this.#adapter) this.#failed(hubErrorOf(error));
    }
    this.#isWorking = false;
    if (adapter !== this.#adapter) this.#wake();
  }

  async #join(adapter: HubAdapter): Promise<void> {
    this.#isJoined = true;
    this.#empty();
    const {vector, update} = await ask(adapter, {document: this.#name, vector: this.#document.vector(), update: null});
    if (this.#ended !== null || adapter !== this.#adapter) return;
    const applied = update === null ? null : this.#document.apply(update, OTHERS);
    if (applied?.ok === false) throw documentError(this.#name, applied.failure);
    // A hub that does not say what it knows is told everything, and finds out.
    const missing = this.#document.missing(vector ?? NOBODY_KNOWS);
    if (!missing.ok) throw documentError(this.#name, missing.failure);
    this.#empty();
    // A reader passes nothing on; what it has written all the same is told, to be refused.
    const mayTell = this.#hasUnsent || permits(adapter.welcome?.role ?? 'reader', 'document.write');
    if (mayTell && !saysNothing(missing.value)) this.#outbox.push(missing.value);
  }

  async #push(adapter: HubAdapter): Promise<void> {
    const update = mergeUpdates(this.#outbox);
    this.#empty();
    await ask(adapter, {document: this.#name, vector: null, update});
  }

  #empty(): void {
    this.#outbox = [];
    this.#outboxBytes = 0;
  }

  #settled(): void {
    this.#tries = 0;
    this.#hasUnsent = false;
    this.#lastError = null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each.resolve();
  }

  #failed(error: HubError): void {
    if (this.#ended !== null) return;
    this.#isJoined = false;
    if (!isPassing(error)) {
      this.#isHeld = true;
      return this.#tell(error);
    }
    this.#lastError = error;
    this.#tries += 1;
    const pauseMs = error.retryAfterMs ?? Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#tries, 10));
    // Where there is no connection, the next one begins anew.
    if (this.isConnected) this.#later(pauseMs, () => this.#wake());
  }

  #tell(error: HubError): void {
    this.#lastError = error;
    this.#reject(error);
    this.#onError(error);
  }

  #reject(error: HubError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each.reject(error);
  }

  #later(ms: number, act: () => void): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#alarms.after(ms, act);
  }
}

function ask(adapter: HubAdapter, request: DocumentRequest): Promise<DocumentAnswer> {
  if (adapter.document === undefined) throw noDocuments();
  return adapter.document(request);
}

export function noDocuments(): HubError {
  return badOption('This hub has no shared documents: its adapter has no `document`');
}
