import type {Priority} from '../../model/hub.ts';
import type {HubLimits} from './hub-limits.ts';

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
  /** Least recently seen first. */
  readonly #boxes = new Map<string, Mailbox>();
  readonly #filled = new Set<Mailbox>();
  #bytes = 0;

  constructor(limits: HubLimits, present: (tenant: string, agentId: string) => boolean) {
    this.#limits = limits;
    this.#present = present;
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
    const box = this.#boxes.get(key) ?? {kept: new Map<string, Kept>(), bytes: 0};
    this.#boxes.delete(key);
    this.#boxes.set(key, box);
    if (this.#boxes.size > this.#limits.knownAgents) this.#forgetOne();
  }

  /** Keeps a message for an agent that is known; one that is kept already is not kept twice. */
  keep(
    to: {tenant: string; agentId: string},
    {id, priority, json}: {id: string; priority: Priority; json: string},
    nowMs: number,
  ): 'kept' | 'full' {
    const box = this.#boxes.get(keyOf(to.tenant, to.agentId));
    if (!box) return 'full';
    this.#expire(box, nowMs);
    if (box.kept.has(id)) return 'kept';
    const {keptMessages, keptBytesPerAgent, keptBytes, keptMs} = this.#limits;
    const isFull = box.kept.size >= keptMessages || box.bytes + json.length > keptBytesPerAgent;
    if (isFull || this.#bytes + json.length > keptBytes) return 'full';
    box.kept.set(id, {priority, json, untilMs: nowMs + keptMs, sentIn: null});
    this.#grow(box, json.length);
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
  }

  expire(nowMs: number): void {
    for (const box of this.#filled) this.#expire(box, nowMs);
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
