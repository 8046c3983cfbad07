import {fail, ok, type Result} from '../../../base/result.ts';
import type {DocumentFailure} from '../../replica/document-update.ts';
import {saysNothing, SharedDocument} from '../../replica/shared-document.ts';
import type {HubLimits} from '../hub-limits.ts';
import type {Documents, DocumentState, Refusal} from '../hub-parts.ts';
import type {Documents as DocumentRows} from '../store/documents.ts';

/** So many are held open at once; each has at most 2 MiB. */
const MAX_OPEN = 100;

interface Open {
  readonly tenant: string;
  readonly name: string;
  readonly document: SharedDocument;
  /** Bytes of its latest snapshot in the store; null: it has none. */
  saved: number | null;
  isChanged: boolean;
}

export interface SharedDocumentsParts {
  readonly rows: Pick<DocumentRows, 'get' | 'set' | 'bytes'>;
  readonly limits: Pick<HubLimits, 'documentBytesPerTenant' | 'documentsPerTenant'>;
  readonly wallMs: () => number;
}

/**
 * Documents that the hub merges itself and keeps as snapshots. A changed one is written by `save`, once a second: what a killed
 * hub had not written comes back from the clients that made it, who are asked for what is missing when they join again.
 */
export class SharedDocuments implements Documents {
  readonly #parts: SharedDocumentsParts;
  /** Used longest ago first. */
  readonly #open = new Map<string, Open>();
  readonly #bytes = new Map<string, number>();

  constructor(parts: SharedDocumentsParts) {
    this.#parts = parts;
  }

  join(tenant: string, name: string, vector: string | null): Result<DocumentState, Refusal> {
    const opened = this.#get(tenant, name);
    if (!opened.ok) return opened;
    const {document} = opened.value;
    const missing = document.missing(vector === null ? EMPTY_VECTOR : Buffer.from(vector, 'base64'));
    if (!missing.ok) return fail(refusalOf(missing.failure));
    const updates = saysNothing(missing.value) ? [] : [base64(missing.value)];
    return ok({vector: base64(document.vector()), updates});
  }

  vector(tenant: string, name: string): Result<string, Refusal> {
    const opened = this.#get(tenant, name);
    return opened.ok ? ok(base64(opened.value.document.vector())) : opened;
  }

  update(tenant: string, name: string, update: string): Result<boolean, Refusal> {
    const opened = this.#get(tenant, name);
    if (!opened.ok) return opened;
    const open = opened.value;
    const {documentBytesPerTenant} = this.#parts.limits;
    if (this.#bytesOf(tenant) + update.length > documentBytesPerTenant) {
      return fail(full(`the documents of this tenant have more than ${documentBytesPerTenant} bytes together`));
    }
    const {changes} = open.document;
    const applied = open.document.apply(Buffer.from(update, 'base64'), null);
    if (!applied.ok) return fail(refusalOf(applied.failure));
    const isNew = open.document.changes !== changes;
    if (isNew) open.isChanged = true;
    // A new one is written at once, so that a tenant with too many is told.
    const saved = open.saved === null ? this.#save(open) : ok(undefined);
    return saved.ok ? ok(isNew) : saved;
  }

  /** Writes what has changed; durable with the next commit. Answers the first document that could not be written. */
  save(): Result<void, Refusal> {
    let result: Result<void, Refusal> = ok(undefined);
    for (const open of this.#open.values()) {
      if (!open.isChanged) continue;
      const saved = this.#save(open);
      if (result.ok && !saved.ok) result = saved;
    }
    return result;
  }

  close(): void {
    for (const {document} of this.#open.values()) document[Symbol.dispose]();
    this.#open.clear();
  }

  #save(open: Open): Result<void, Refusal> {
    const {tenant, name, document} = open;
    const snapshot = Buffer.from(document.snapshot());
    const kept = this.#parts.rows.set(tenant, {name, atMs: this.#parts.wallMs()}, snapshot);
    if (kept === 'full' || kept === 'too-large') {
      // Nobody has been told of it yet if it is new; else it stays open and is tried again.
      if (open.saved === null) this.#close(open);
      return fail(
        full(
          kept === 'full'
            ? `a tenant has at most ${this.#parts.limits.documentsPerTenant} documents`
            : `document ${name} is too large`,
        ),
      );
    }
    if (kept === null) {
      const message = 'the hub cannot write to its database at present';
      return fail({code: 'unavailable', message, retryAfterMs: 1000});
    }
    this.#bytes.set(tenant, this.#bytesOf(tenant) + snapshot.length - (open.saved ?? 0));
    open.saved = snapshot.length;
    open.isChanged = false;
    return ok(undefined);
  }

  #get(tenant: string, name: string): Result<Open, Refusal> {
    const key = `${tenant}\0${name}`;
    const known = this.#open.get(key);
    if (known !== undefined) {
      this.#open.delete(key);
      this.#open.set(key, known);
      return ok(known);
    }
    const snapshot = this.#parts.rows.get(tenant, name);
    const document = snapshot === null ? ok(new SharedDocument()) : SharedDocument.open(snapshot);
    if (!document.ok) return fail(refusalOf(document.failure));
    this.#makeRoom();
    const open = {tenant, name, document: document.value, saved: snapshot?.length ?? null, isChanged: false};
    this.#open.set(key, open);
    return ok(open);
  }

  #makeRoom(): void {
    for (const open of this.#open.values()) {
      if (this.#open.size < MAX_OPEN) return;
      if (!open.isChanged || this.#save(open).ok) this.#close(open);
    }
  }

  #close({tenant, name, document}: Open): void {
    this.#open.delete(`${tenant}\0${name}`);
    document[Symbol.dispose]();
  }

  #bytesOf(tenant: string): number {
    const known = this.#bytes.get(tenant);
    if (known !== undefined) return known;
    const bytes = this.#parts.rows.bytes(tenant);
    if (this.#bytes.size >= MAX_OPEN * 10) this.#bytes.clear();
    this.#bytes.set(tenant, bytes);
    return bytes;
  }
}

const EMPTY_VECTOR = new Uint8Array([0]);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function full(message: string): Refusal {
  return {code: 'storage-full', message, retryAfterMs: null};
}

function refusalOf({kind, detail}: DocumentFailure): Refusal {
  const code = kind === 'full' ? 'storage-full' : kind === 'too-large' ? 'too-large' : 'bad-frame';
  return {code, message: detail, retryAfterMs: null};
}
