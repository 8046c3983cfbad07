import * as Y from 'yjs';
import type {JsonValue} from '../../base/json.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {
  type Edit,
  sharedList,
  type SharedList,
  sharedMap,
  type SharedMap,
  sharedText,
  type SharedText,
  type Write,
} from './document-parts.ts';
import {checkUpdate, type DocumentFailure, refused, ROOT, wellFormed} from './document-update.ts';

/** What a change says to those who listen. */
export interface DocumentNews {
  /** Yjs v1: to be given to `apply` of the other replicas. */
  readonly update: Uint8Array;
  /** As it was given to `apply` or `edit`, so that nobody sends a change back to where it came from; null: of nobody's name. */
  readonly origin: string | null;
}

export interface DocumentLimits {
  /** Of one update and of one edit, in bytes; 2 MiB. */
  readonly maxUpdateBytes: number;
  /** Of the whole document as `snapshot` encodes it, in bytes; 2 MiB, which fits a frame of the hub as base64. */
  readonly maxBytes: number;
}

const DEFAULT_LIMITS: DocumentLimits = {maxUpdateBytes: 2 * 1024 * 1024, maxBytes: 2 * 1024 * 1024};
/** Bytes of an update without operations and deletions. */
const NOTHING = 2;
/** What Yjs needs around the contents of one edit, at most. */
const EDIT_BYTES = 100;

/**
 * A document that several write at once and that becomes the same for all who have the same updates, in any order and however often:
 * texts, maps and lists of JSON under names. A thin wall around Yjs (YATA; Nicolaescu, Jahns, Derntl and Klamma, 2016): what comes from
 * outside is checked and bounded before Yjs sees it, and Yjs never throws through it.
 *
 * Every replica that writes leaves a few bytes in the state vector for good, so one that lasts keeps its document open.
 */
export class SharedDocument implements Disposable {
  readonly #doc = new Y.Doc();
  readonly #limits: DocumentLimits;
  readonly #listeners = new Set<(news: DocumentNews) => void>();
  readonly #outbox: DocumentNews[] = [];
  #editing: {readonly origin: string | null} | null = null;
  /** Not below the size of the snapshot; exact while `#exact`. */
  #bytes = 0;
  #exact = false;
  #changes = 0;

  constructor(limits: Partial<DocumentLimits> = {}) {
    this.#limits = {...DEFAULT_LIMITS, ...limits};
    this.#doc.on('update', (update: Uint8Array, origin: unknown) => {
      this.#bytes += update.length;
      this.#exact = false;
      this.#changes += 1;
      this.#outbox.push({update, origin: typeof origin === 'string' ? origin : null});
    });
  }

  /** From a `snapshot`, which may be as large as the document may. */
  static open(snapshot: Uint8Array, limits: Partial<DocumentLimits> = {}): Result<SharedDocument, DocumentFailure> {
    const document = new SharedDocument(limits);
    const {maxBytes} = document.#limits;
    const applied = document.#apply(snapshot, {origin: null, maxBytes});
    return applied.ok ? ok(document) : applied;
  }

  /** How often it has changed since it was made. */
  get changes(): number {
    return this.#changes;
  }

  /** Takes an update of another replica; one that is known changes nothing, one that is refused neither. */
  apply(update: Uint8Array, origin: string | null): Edit {
    return this.#apply(update, {origin, maxBytes: this.#limits.maxUpdateBytes});
  }

  /** What is known here, to be given to `missing` of another replica. */
  vector(): Uint8Array {
    return Y.encodeStateVector(this.#doc);
  }

  /** The update that brings a replica with this state vector to where this one is. */
  missing(vector: Uint8Array): Result<Uint8Array, DocumentFailure> {
    try {
      Y.decodeStateVector(vector);
    } catch {
      // Whatever it throws means that these bytes are no state vector.
      return fail({
        kind: 'malformed',
        detail: 'The state vector does not decode; ask again with the vector of a document.',
      });
    }
    return ok(Y.encodeStateAsUpdate(this.#doc, vector));
  }

  /** The whole document, without what was deleted. */
  snapshot(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc);
  }

  /** Calls back after every change, and returns what ends it. */
  onChange(listener: (news: DocumentNews) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Makes one update of all edits in `edits`, under the name `origin`. */
  edit<T>(origin: string | null, edits: () => T): T {
    if (this.#editing !== null) return edits();
    this.#editing = {origin};
    try {
      return this.#doc.transact(edits, origin);
    } finally {
      this.#editing = null;
      this.#deliver();
    }
  }

  /** Throws a RangeError on a name that is empty or longer than 200 characters; so do `map` and `list`. */
  text(name: string): SharedText {
    return sharedText(this.#doc.getText(rootName('text', name)), this.#write);
  }

  map(name: string): SharedMap {
    return sharedMap(this.#doc.getMap<JsonValue>(rootName('map', name)), this.#write);
  }

  list(name: string): SharedList {
    return sharedList(this.#doc.getArray<JsonValue>(rootName('list', name)), this.#write);
  }

  [Symbol.dispose](): void {
    this.#listeners.clear();
    this.#doc.destroy();
  }

  #apply(update: Uint8Array, {origin, maxBytes}: {origin: string | null; maxBytes: number}): Edit {
    if (update.length > maxBytes) return fail(tooLarge('update', {bytes: update.length, most: maxBytes}));
    const checked = checkUpdate(update, Y.decodeStateVector(this.vector()));
    if (!checked.ok) return checked;
    const answer = this.#integrate(update, origin);
    this.#deliver();
    return answer;
  }

  #integrate(update: Uint8Array, origin: string | null): Edit {
    try {
      const unknown = Y.diffUpdate(update, this.vector());
      const room = this.#room(unknown.length);
      if (room.ok) Y.applyUpdate(this.#doc, unknown, origin);
      return room;
    } catch {
      // What passes the check and is no update all the same; Yjs closes its transaction before it throws.
      return fail(refused('malformed', 'it cannot be integrated'));
    } finally {
      this.#dropWaiting();
    }
  }

  /** Operations that wait on one another in a circle never come in; Yjs would keep them for ever. */
  #dropWaiting(): void {
    this.#doc.store.pendingStructs = null;
    this.#doc.store.pendingDs = null;
  }

  readonly #write: Write = (bytes, change) => {
    const {maxUpdateBytes} = this.#limits;
    if (bytes > maxUpdateBytes) return fail(tooLarge('edit', {bytes, most: maxUpdateBytes}));
    // Who deletes makes room.
    const room = bytes === 0 ? ok(undefined) : this.#room(bytes + EDIT_BYTES);
    if (!room.ok) return room;
    this.edit(this.#editing?.origin ?? null, change);
    return ok(undefined);
  };

  #room(bytes: number): Edit {
    if (this.#bytes + bytes <= this.#limits.maxBytes) return ok(undefined);
    if (!this.#exact) {
      this.#bytes = this.snapshot().length;
      this.#exact = true;
      if (this.#bytes + bytes <= this.#limits.maxBytes) return ok(undefined);
    }
    const detail = `The document has ${this.#bytes} of ${this.#limits.maxBytes} bytes, ${bytes} more do not fit; delete something first.`;
    return fail({kind: 'full', detail});
  }

  /** Outside Yjs, so that a listener that throws leaves the document whole. All are told; then the first error is thrown. */
  #deliver(): void {
    const errors: unknown[] = [];
    for (const news of this.#outbox.splice(0)) {
      for (const listener of this.#listeners) {
        try {
          listener(news);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'A listener to a shared document failed');
  }
}

/** One update that says what these say together; they are of one replica, in the order they were made. */
export function mergeUpdates(updates: readonly Uint8Array[]): Uint8Array {
  const [only] = updates;
  return updates.length === 1 && only !== undefined ? only : Y.mergeUpdates([...updates]);
}

/** Whether an update, as `missing` encodes it, says nothing. */
export function saysNothing(update: Uint8Array): boolean {
  return update.length <= NOTHING;
}

function rootName(kind: 'text' | 'map' | 'list', name: string): string {
  const root = `${kind}:${wellFormed(name)}`;
  if (!ROOT.test(root))
    throw new RangeError(`A name in a shared document has 1 to 200 characters, ${name.length} were given`);
  return root;
}

function tooLarge(what: string, {bytes, most}: {bytes: number; most: number}): DocumentFailure {
  return {
    kind: 'too-large',
    detail: `An ${what} of ${bytes} bytes is too large; at most ${most} are taken. Make it in parts.`,
  };
}
