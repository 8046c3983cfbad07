import type {Database} from 'better-sqlite3';
import {type HubMessage, PRIORITIES} from '../../../model/hub.ts';
import {GodelError} from '../../../model/failure.ts';
import {type Bodies, type Body, byteLength} from './bodies.ts';
import type {Group} from './group.ts';

const ADD = `INSERT INTO messages (tenant, agent, id, priority, expires_at_ms, bytes, body) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
const KNOWN = 'SELECT 1 FROM messages WHERE tenant = ? AND agent = ? AND id = ?';
const LOAD = `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM messages WHERE tenant = ? AND agent = ?`;
const WAITING = `SELECT id, body FROM messages WHERE tenant = ? AND agent = ? AND expires_at_ms > ?
  ORDER BY priority DESC, num LIMIT ?`;
const TAKE = 'DELETE FROM messages WHERE tenant = ? AND agent = ? AND id = ?';
const AGENTS = 'SELECT DISTINCT tenant, agent FROM messages';
const EXPIRE = 'DELETE FROM messages WHERE expires_at_ms <= ?';

interface Wanted {
  /** Wall time, Unix epoch in milliseconds. */
  readonly nowMs: number;
  readonly limit: number;
  readonly damaged?: (id: string) => void;
}

/** Direct messages to agents that are not there, until they are fetched or expire. */
export class Messages {
  readonly #group: Group;
  readonly #bodies: Bodies;
  readonly #limits: {readonly messagesPerAgent: number; readonly messageBytesPerAgent: number};
  readonly #add;
  readonly #known;
  readonly #load;
  readonly #waiting;
  readonly #take;
  readonly #agents;
  readonly #expire;

  constructor(
    db: Database,
    {group, bodies}: {group: Group; bodies: Bodies},
    limits: {readonly messagesPerAgent: number; readonly messageBytesPerAgent: number},
  ) {
    this.#group = group;
    this.#bodies = bodies;
    this.#limits = limits;
    this.#add = db.prepare<[string, string, string, number, number, number, Body]>(ADD);
    this.#known = db.prepare<[string, string, string], number>(KNOWN);
    this.#load = db.prepare<[string, string], {count: number; bytes: number}>(LOAD);
    this.#waiting = db.prepare<[string, string, number, number], {id: string; body: Body}>(WAITING);
    this.#take = db.prepare<[string, string, string]>(TAKE);
    this.#agents = db.prepare<[], {readonly tenant: string; readonly agent: string}>(AGENTS);
    this.#expire = db.prepare<[number]>(EXPIRE);
  }

  /** known: it waits there already. full: the agent has as many as it may. null: not kept, see `flush`. */
  add(tenant: string, agent: string, message: HubMessage, expiresAtMs: number): 'kept' | 'known' | 'full' | null {
    return this.#group.write(() => {
      if (this.#known.get(tenant, agent, message.id) !== undefined) return 'known';
      const body = this.#bodies.write(tenant, messageId(message.id), JSON.stringify(message));
      const bytes = byteLength(body);
      const load = this.#load.get(tenant, agent) ?? {count: 0, bytes: 0};
      const {messagesPerAgent, messageBytesPerAgent} = this.#limits;
      if (load.count >= messagesPerAgent || load.bytes + bytes > messageBytesPerAgent) return 'full';
      this.#add.run(tenant, agent, message.id, PRIORITIES.indexOf(message.priority), expiresAtMs, bytes, body);
      return 'kept';
    });
  }

  /**
   * The most urgent first, and of one priority the oldest. One that is not what was written is left out, and `damaged` is told
   * its id; it goes when its time is over.
   */
  waiting(tenant: string, agent: string, {nowMs, limit, damaged}: Wanted): readonly HubMessage[] {
    return this.#group.read(() =>
      this.#waiting.all(tenant, agent, nowMs, limit).flatMap(({id, body}) => {
        const message = this.#read(tenant, id, body);
        if (message === null) damaged?.(id);
        return message ?? [];
      }),
    );
  }

  /** null: it does not open, or is no message. */
  #read(tenant: string, id: string, body: Body): HubMessage | null {
    try {
      const value: unknown = JSON.parse(this.#bodies.read(tenant, messageId(id), body));
      return isMessage(value, id) ? value : null;
    } catch (error) {
      if (error instanceof GodelError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** They have arrived. */
  take(tenant: string, agent: string, ids: readonly string[]): void {
    this.#group.write(() => {
      for (const id of ids) this.#take.run(tenant, agent, id);
    });
  }

  /** Those for whom something waits. */
  agents(): readonly {readonly tenant: string; readonly agent: string}[] {
    return this.#group.read(() => this.#agents.all());
  }

  /** Returns how many. */
  expire(nowMs: number): number {
    return this.#group.write(() => this.#expire.run(nowMs).changes) ?? 0;
  }
}

function isMessage(value: unknown, id: string): value is HubMessage {
  const isObject = typeof value === 'object' && value !== null && 'id' in value && value.id === id;
  if (!isObject || !('sentAtMs' in value && 'priority' in value)) return false;
  return typeof value.sentAtMs === 'number' && PRIORITIES.some(priority => priority === value.priority);
}

function messageId(id: string): string {
  return `message ${id}`;
}
