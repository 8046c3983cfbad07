import {fail, ok, type Result} from '../../base/result.ts';
import type {RecallRule} from '../../model/hub.ts';
import type {HubLimits} from './hub-limits.ts';
import type {HubStore, HubStoreFailure} from './hub-store.ts';
import type {MailKeeper, Mailboxes} from './mailboxes.ts';
import type {PushLane} from './push-lane.ts';
import {TenantRoom} from './tenant-room.ts';

export interface HubRoomsParts {
  readonly store: HubStore;
  readonly limits: HubLimits;
  readonly lane: PushLane;
  readonly mailboxes: Mailboxes;
  readonly mail: MailKeeper | null;
  readonly recallRule: (tenant: string) => RecallRule;
  readonly unexpected: (error: unknown) => void;
}

/**
 * The rooms of all tenants with agents, and the turns: whatever came in with one turn of the event loop is made durable by one
 * commit, answered, and told.
 */
export class HubRooms {
  readonly #with: HubRoomsParts;
  readonly #rooms = new Map<string, TenantRoom>();
  readonly #awake = new Set<TenantRoom>();
  #turn: NodeJS.Immediate | undefined;
  #later: {readonly timer: NodeJS.Timeout; readonly dueMs: number} | undefined;

  constructor(parts: HubRoomsParts) {
    this.#with = parts;
  }

  /** Null: nobody of this tenant is connected. */
  find(tenant: string): TenantRoom | null {
    return this.#rooms.get(tenant) ?? null;
  }

  open(tenant: string): TenantRoom {
    const known = this.#rooms.get(tenant);
    if (known) return known;
    // What is not durable yet would count as head.
    this.settle();
    const {store, limits, mailboxes, recallRule} = this.#with;
    const rule = () => recallRule(tenant);
    const room = new TenantRoom(tenant, {head: store.head(tenant), limits, mailboxes, rule});
    this.#rooms.set(tenant, room);
    return room;
  }

  /** There is something to tell in this room at the end of this turn. */
  wake(room: TenantRoom): void {
    this.#awake.add(room);
    this.#flushNextTurn();
  }

  /** Makes durable and tells at once what was pushed in this turn, so that nobody is shown what is given up later. */
  settle(): void {
    if (!this.#with.lane.isEmpty) this.flush();
  }

  /** Entries that came into the log by other means than a push are found, and everybody is told to pull. */
  lookForEntries(): void {
    if (!this.#with.lane.isEmpty) return;
    for (const room of this.#rooms.values()) room.grew(this.#with.store.head(room.tenant));
  }

  stop(): void {
    this.flush();
    clearImmediate(this.#turn);
    clearTimeout(this.#later?.timer);
  }

  flush(): void {
    try {
      for (const room of this.#with.lane.flush()) this.#awake.add(room);
    } catch (error) {
      this.#with.unexpected(error);
    }
    // Before their senders are told.
    const kept = this.#settleMail();
    if (!kept.ok) for (const room of this.#awake) this.#with.lane.refuse(room.unkept(), kept.failure, 'message');
    const nowMs = performance.now();
    let waitMs: number | null = null;
    for (const room of [...this.#awake]) {
      const moreMs = this.#flushRoom(room, nowMs);
      if (moreMs !== null) waitMs = Math.min(waitMs ?? moreMs, moreMs);
      else this.#awake.delete(room);
      if (moreMs === null && room.members.size === 0) this.#rooms.delete(room.tenant);
    }
    if (waitMs !== null) this.#flushIn(waitMs);
  }

  /** As with pushes, what is thrown is as good as a broken file. */
  #settleMail(): Result<void, HubStoreFailure> {
    try {
      return this.#with.mail?.settle() ?? ok(undefined);
    } catch (error) {
      this.#with.unexpected(error);
      return fail({kind: 'broken', detail: String(error)});
    }
  }

  /** After all that has come in meanwhile has been read. */
  #flushNextTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.flush();
    });
  }

  #flushIn(waitMs: number): void {
    if (waitMs <= 0) return this.#flushNextTurn();
    const dueMs = performance.now() + waitMs;
    if (this.#later !== undefined && this.#later.dueMs <= dueMs) return;
    clearTimeout(this.#later?.timer);
    const timer = setTimeout(() => {
      this.#later = undefined;
      this.flush();
    }, waitMs);
    this.#later = {timer, dueMs};
  }

  /** A mistake with one tenant does not keep the others from being told. */
  #flushRoom(room: TenantRoom, nowMs: number): number | null {
    try {
      return room.flush(nowMs);
    } catch (error) {
      this.#with.unexpected(error);
      return null;
    }
  }
}
