import type {Database} from 'better-sqlite3';
import {type Bodies, checksum, damaged} from './bodies.ts';
import type {Group} from './group.ts';

const SET = 'INSERT OR REPLACE INTO documents (tenant, name, at_ms, crc, body) VALUES (?, ?, ?, ?, ?)';
const GET = 'SELECT crc, body FROM documents WHERE tenant = ? AND name = ?';
const COUNT = 'SELECT count(*) FROM documents WHERE tenant = ? AND name <> ?';
const BYTES = 'SELECT coalesce(sum(length(body)), 0) FROM documents WHERE tenant = ?';
const REMOVE = 'DELETE FROM documents WHERE tenant = ? AND name = ?';

export interface DocumentNote {
  readonly name: string;
  /** Unix epoch, milliseconds. */
  readonly atMs: number;
}

interface Row {
  readonly crc: number;
  readonly body: Buffer;
}

/** The latest snapshot of each shared document. Where the hub seals, the name in a row is a mark. */
export class Documents {
  readonly #group: Group;
  readonly #bodies: Bodies;
  readonly #limits: {readonly documentsPerTenant: number; readonly documentBytes: number};
  readonly #set;
  readonly #get;
  readonly #count;
  readonly #bytes;
  readonly #remove;

  constructor(
    db: Database,
    {group, bodies}: {group: Group; bodies: Bodies},
    limits: {readonly documentsPerTenant: number; readonly documentBytes: number},
  ) {
    this.#group = group;
    this.#bodies = bodies;
    this.#limits = limits;
    this.#set = db.prepare<[string, string, number, number, Buffer]>(SET);
    this.#get = db.prepare<[string, string], Row>(GET);
    this.#count = db.prepare<[string, string], number>(COUNT).pluck();
    this.#bytes = db.prepare<[string], number>(BYTES).pluck();
    this.#remove = db.prepare<[string, string]>(REMOVE);
  }

  /** too-large, full: not kept, and the snapshot before stays. null: not kept, see `flush`. */
  set(tenant: string, {name, atMs}: DocumentNote, snapshot: Buffer): 'kept' | 'too-large' | 'full' | null {
    if (snapshot.length > this.#limits.documentBytes) return 'too-large';
    return this.#group.write(() => {
      const mark = this.#markOf(tenant, name);
      if ((this.#count.get(tenant, mark) ?? 0) >= this.#limits.documentsPerTenant) return 'full';
      const body = this.#bodies.writeBytes(tenant, documentId(name), snapshot);
      this.#set.run(tenant, mark, atMs, checksum(mark, body), body);
      return 'kept';
    });
  }

  /** Throws a `GodelError` when it is damaged. */
  get(tenant: string, name: string): Buffer | null {
    const mark = this.#markOf(tenant, name);
    const row = this.#group.read(() => this.#get.get(tenant, mark));
    if (row === undefined) return null;
    if (checksum(mark, row.body) !== row.crc) {
      throw damaged(`document "${name}" of tenant "${tenant}" has another checksum`);
    }
    return this.#bodies.readBytes(tenant, documentId(name), row.body);
  }

  /** Of all snapshots of a tenant, as they are stored. */
  bytes(tenant: string): number {
    return this.#group.read(() => this.#bytes.get(tenant) ?? 0);
  }

  remove(tenant: string, name: string): void {
    this.#group.write(() => {
      this.#group.scrub();
      this.#remove.run(tenant, this.#markOf(tenant, name));
    });
  }

  /** As the row has it: the name itself where nothing is sealed. */
  #markOf(tenant: string, name: string): string {
    const id = documentId(name);
    const mark = this.#bodies.mark(tenant, id);
    return mark === id ? name : mark;
  }
}

function documentId(name: string): string {
  return `document ${name}`;
}
