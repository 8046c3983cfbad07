import {randomUUID} from 'node:crypto';
import type {JsonValue} from '../../base/json.ts';
import type {Shelf} from './shelf.ts';

/** What whoever runs a hub has done to its keys, for the audit log of the hub. */
export interface OperatorNote {
  /** Unix epoch, milliseconds. */
  readonly atMs: number;
  /** null: of the hub itself. */
  readonly tenant: string | null;
  /** A verb: `create-token`, `revoke-token`. */
  readonly what: string;
  readonly detail: JsonValue;
}

/** Where no hub takes them in, the oldest go. */
const MAX_NOTES = 10_000;
const DROPPED = 100;
/** Digits of the time in a name, so that names sort by time. */
const DIGITS = 15;

/** Notes that wait in a folder of keys until the hub takes them in: whoever has the keys need not have the database, nor the hub run. */
export class OperatorNotes {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  add(note: OperatorNote): void {
    const names = this.#shelf.names();
    if (names.length >= MAX_NOTES) for (const name of names.toSorted().slice(0, DROPPED)) this.#shelf.remove(name);
    this.#shelf.add(`${String(note.atMs).padStart(DIGITS, '0')}-${randomUUID()}`, `${JSON.stringify(note)}\n`);
  }

  /** By name, oldest first. */
  list(limit: number): ReadonlyMap<string, OperatorNote> {
    const notes = new Map<string, OperatorNote>();
    for (const name of this.#shelf.names().toSorted().slice(0, limit)) {
      const text = this.#shelf.read(name);
      // Written by `add` only, in a folder that is ours alone.
      if (text !== null) notes.set(name, JSON.parse(text) as OperatorNote);
    }
    return notes;
  }

  remove(names: Iterable<string>): void {
    for (const name of names) this.#shelf.remove(name);
    this.#shelf.settle();
  }
}
