import type {HubMessage, Priority} from '../../model/hub.ts';
import type {Result} from '../../base/result.ts';
import type {HubLimits} from './hub-limits.ts';
import type {HubStoreFailure} from './hub-store.ts';

/** Where messages are kept that must outlive the hub. */
export interface MailKeeper {
  /** What an earlier run has kept for an agent, oldest first; each is given once. */
  waiting(tenant: string, agentId: string): readonly HubMessage[];
  /** It waits from now on. `isPresent`: its agent is here and will most likely take it at once. */
  kept(tenant: string, agentId: string, message: HubMessage, isPresent: boolean): void;
  taken(tenant: string, agentId: string, ids: readonly string[]): void;
  /** Makes durable what waits for agents that are not here; where that fails, it is tried again, now and later. */
  settle(): Result<void, HubStoreFailure>;
}

export function messageJson(message: HubMessage): string {
  return `{"type":"message","message":${JSON.stringify(message)}}`;
}

interface Kept {
  readonly priority: Priority;
  /** As it goes over the line. */
  readonly json: string;
  readonly untilMs: number;
  /** The epoch in which it was sent last; null: not sent yet. */
  sentIn: string | null;
}

interface Mailbox {
  readonly kept: Map<string, Kept>;
  bytes: number;
}

/**
 * Direct messages until their agents have taken them in, and by that the agents that are known. Bounded in every direction:
 * messages and bytes of one agent, bytes in all, time, and agents, of which those not seen for longest are forgotten first.
 */
export class Mailboxes {
  readonly #limits: HubLimits;
  readonly #present: (tenant: string, agentId: string) => boolean;
  readonly #keeper: MailKeeper | null;
  /** Least recently seen first. */
  readonly #boxes = new Map<string, Mailbox>();
  readonly #filled = new Set<Mailbox>();
  #bytes = 0;

  constructor(limits: HubLimits, present: (tenant: string, agentId: string) => boolean, keeper: MailKeeper | null) {
    this.#limits = limits;
    this.#present = present;
    this.#keeper = keeper;
  }

  get bytes(): number {
    return this.#bytes;
  }

  isKnown(tenant: string, agentId: string): boolean {
    return this.#boxes.has(keyOf(tenant, agentId));
  }

  /** Makes an agent known, and the one seen last. */
  see(tenant: string, agentId: string): void {
    const key = keyOf(tenant, agentId);
    const known = this.#boxes.get(key);
    const box = known ?? {kept: new Map<string, Kept>(), bytes: 0};
    if (!known) this.#fill(box, tenant, agentId);
    this.#boxes.delete(key);
    this.#boxes.set(key, box);
    if (this.#boxes.size > this.#limits.knownAgents) this.#forgetOne();
  }

  /** Keeps a message for an agent that is known; one that is kept already is not kept twice. */
  keep(
    to: {tenant: string; agentId: string},
    {message, json}: {message: HubMessage; json: string},
    nowMs: number,
  ): 'kept' | 'full' {
    const box = this.#boxes.get(keyOf(to.tenant, to.agentId));
    if (!box) return 'full';
    this.#expire(box, nowMs);
    const {id, priority} = message;
    if (box.kept.has(id)) return 'kept';
    const {keptMessages, keptBytesPerAgent, keptBytes, keptMs} = this.#limits;
    const isFull = box.kept.size >= keptMessages || box.bytes + json.length > keptBytesPerAgent;
    if (isFull || this.#bytes + json.length > keptBytes) return 'full';
    box.kept.set(id, {priority, json, untilMs: nowMs + keptMs, sentIn: null});
    this.#grow(box, json.length);
    this.#keeper?.kept(to.tenant, to.agentId, message, this.#present(to.tenant, to.agentId));
    return 'kept';
  }

  /** What is still to be sent in this epoch, in the order it came; it counts as sent from now on, until `unsend`. */
  *unsent(
    tenant: string,
    agentId: string,
    epoch: string,
    nowMs: number,
  ): Generator<{json: string; priority: Priority}> {
    const box = this.#boxes.get(keyOf(tenant, agentId));
    if (!box) return;
    this.#expire(box, nowMs);
    for (const message of box.kept.values()) {
      if (message.sentIn === epoch) continue;
      message.sentIn = epoch;
      yield message;
    }
  }

  taken(tenant: string, agentId: string, ids: readonly string[]): void {
    const box = this.#boxes.get(keyOf(tenant, agentId));
    if (!box) return;
    for (const id of ids) {
      const message = box.kept.get(id);
      if (message && box.kept.delete(id)) this.#grow(box, -message.json.length);
    }
    this.#keeper?.taken(tenant, agentId, ids);
  }

  expire(nowMs: number): void {
    for (const box of this.#filled) this.#expire(box, nowMs);
  }

  /** What an earlier run of the hub has left, as far as there is room. */
  #fill(box: Mailbox, tenant: string, agentId: string): void {
    const {keptMs, keptBytes} = this.#limits;
    for (const message of this.#keeper?.waiting(tenant, agentId) ?? []) {
      const json = messageJson(message);
      const leftMs = Math.min(keptMs, message.sentAtMs + keptMs - Date.now());
      if (leftMs <= 0 || this.#bytes + json.length > keptBytes) continue;
      const {id, priority} = message;
      box.kept.set(id, {priority, json, untilMs: performance.now() + leftMs, sentIn: null});
      this.#grow(box, json.length);
    }
  }

  #expire(box: Mailbox, nowMs: number): void {
    for (const [id, message] of box.kept) {
      // Kept for the same time each: the first that is not over has all others behind it.
      if (message.untilMs > nowMs) return;
      box.kept.delete(id);
      this.#grow(box, -message.json.length);
    }
  }

  #grow(box: Mailbox, by: number): void {
    box.bytes += by;
    this.#bytes += by;
    if (box.kept.size > 0) this.#filled.add(box);
    else this.#filled.delete(box);
  }

  #forgetOne(): void {
    let looks = this.#boxes.size;
    for (const [key, box] of this.#boxes) {
      looks -= 1;
      if (looks < 0) return;
      const [tenant = '', agentId = ''] = partsOf(key);
      this.#boxes.delete(key);
      if (this.#present(tenant, agentId)) {
        // Seen right now, so that the next one to be forgotten is not looked for behind it again.
        this.#boxes.set(key, box);
        continue;
      }
      this.#filled.delete(box);
      this.#bytes -= box.bytes;
      return;
    }
  }
}

function keyOf(tenant: string, agentId: string): string {
  return JSON.stringify([tenant, agentId]);
}

function partsOf(key: string): readonly string[] {
  // Made by `keyOf`.
  return JSON.parse(key) as string[];
}
