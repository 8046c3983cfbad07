import type {Database} from 'better-sqlite3';
import type {GroupMember} from './group.ts';

const LIST = 'SELECT num, name, head, bytes, episodes FROM tenants ORDER BY num';
const MAKE = 'INSERT INTO tenants (num, name, head, bytes, episodes) VALUES (?, ?, 0, 0, 0)';
const SAVE = 'UPDATE tenants SET head = ?, bytes = ?, episodes = ? WHERE num = ?';

export interface Tenant {
  readonly num: number;
  readonly name: string;
  /** The last position given out. */
  head: number;
  /** The last position that is durable. */
  durable: number;
  /** Stored size of its entries. */
  bytes: number;
  /** Those not forgotten. */
  episodes: number;
}

type Row = Omit<Tenant, 'durable'>;

/** All tenants, in memory too; what has changed is written when the group ends. */
export class Tenants implements GroupMember {
  readonly #list;
  readonly #make;
  readonly #save;
  readonly #max: number;
  readonly #changed = new Set<Tenant>();
  #byName: Map<string, Tenant> | null = null;
  #byNum = new Map<number, Tenant>();

  constructor(db: Database, max: number) {
    this.#list = db.prepare<[], Row>(LIST);
    this.#make = db.prepare<[number, string]>(MAKE);
    this.#save = db.prepare<[number, number, number, number]>(SAVE);
    this.#max = max;
  }

  all(): Iterable<Tenant> {
    return this.#loaded().values();
  }

  get count(): number {
    return this.#loaded().size;
  }

  find(name: string): Tenant | null {
    return this.#loaded().get(name) ?? null;
  }

  numbered(num: number): Tenant | null {
    this.#loaded();
    return this.#byNum.get(num) ?? null;
  }

  /** Makes it when there is none; null: there are as many as there may be. Only within a group. */
  open(name: string): Tenant | null {
    const tenants = this.#loaded();
    const found = tenants.get(name);
    if (found !== undefined) return found;
    if (tenants.size >= this.#max) return null;
    const made: Tenant = {num: tenants.size + 1, name, head: 0, durable: 0, bytes: 0, episodes: 0};
    this.#make.run(made.num, name);
    this.#hold(made);
    return made;
  }

  /** To be called after each change of a tenant's figures. */
  touch(tenant: Tenant): void {
    this.#changed.add(tenant);
  }

  save(): void {
    for (const {num, head, bytes, episodes} of this.#changed) this.#save.run(head, bytes, episodes, num);
  }

  saved(): void {
    for (const tenant of this.#changed) tenant.durable = tenant.head;
    this.#changed.clear();
  }

  forget(): void {
    this.#byName = null;
    this.#changed.clear();
  }

  #loaded(): Map<string, Tenant> {
    if (this.#byName !== null) return this.#byName;
    const byName = new Map<string, Tenant>();
    this.#byName = byName;
    this.#byNum = new Map();
    for (const row of this.#list.all()) this.#hold({...row, durable: row.head});
    return byName;
  }

  #hold(tenant: Tenant): void {
    this.#byName?.set(tenant.name, tenant);
    this.#byNum.set(tenant.num, tenant);
  }
}
