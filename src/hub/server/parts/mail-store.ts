import type {HubMessage} from '../../../model/hub.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {HubStore} from '../hub-store.ts';
import type {MailKeeper} from '../mailboxes.ts';
import type {Messages} from '../store/messages.ts';

export interface MailStoreParts {
  readonly messages: Messages;
  readonly flush: HubStore['flush'];
  readonly onEvent: (event: HubEvent) => void;
  /** How long a message is kept, in milliseconds. */
  readonly keptMs: number;
  readonly wallMs: () => number;
}

interface Waiting {
  readonly tenant: string;
  readonly agentId: string;
  readonly message: HubMessage;
}

const MOST = 1000;

/**
 * Direct messages on disk. One for an agent that is not here is durable before its sender is told; one for an agent that is here
 * is written only if it has not been taken by the next `save`.
 */
export class MailStore implements MailKeeper {
  readonly #parts: MailStoreParts;
  /** Not written yet. */
  readonly #unsaved = new Map<string, Waiting>();
  /** Agents for whom there may be something in the store. */
  readonly #agents: Set<string>;
  #isDirty = false;

  constructor(parts: MailStoreParts) {
    this.#parts = parts;
    parts.messages.expire(parts.wallMs());
    this.#agents = new Set(parts.messages.agents().map(({tenant, agent}) => keyOf(tenant, agent)));
  }

  waiting(tenant: string, agentId: string): readonly HubMessage[] {
    if (!this.#agents.delete(keyOf(tenant, agentId))) return [];
    const {messages, wallMs, onEvent} = this.#parts;
    const damaged = (id: string) => {
      const detail = `the message "${id}" for ${agentId} of tenant "${tenant}" is damaged, and was left out`;
      onEvent({kind: 'upkeep-failed', what: 'messages', detail});
    };
    return messages
      .waiting(tenant, agentId, {nowMs: wallMs(), limit: MOST, damaged})
      .toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  }

  kept(tenant: string, agentId: string, message: HubMessage, isPresent: boolean): void {
    if (isPresent) this.#unsaved.set(keyOf(tenant, agentId, message.id), {tenant, agentId, message});
    else {
      this.#write({tenant, agentId, message});
      this.#isDirty = true;
    }
  }

  taken(tenant: string, agentId: string, ids: readonly string[]): void {
    const written = ids.filter(id => !this.#unsaved.delete(keyOf(tenant, agentId, id)));
    if (written.length > 0) this.#parts.messages.take(tenant, agentId, written);
  }

  settle(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const flushed = this.#parts.flush();
    if (flushed.ok) return;
    const {kind, detail} = flushed.failure;
    this.#parts.onEvent({kind: 'flush-failed', full: kind === 'full', detail});
  }

  /** Writes what waits for agents that are here and have not taken it; durable with the next commit. */
  save(): void {
    for (const waiting of this.#unsaved.values()) this.#write(waiting);
    this.#unsaved.clear();
  }

  expire(): void {
    this.#parts.messages.expire(this.#parts.wallMs());
  }

  #write({tenant, agentId, message}: Waiting): void {
    this.#agents.add(keyOf(tenant, agentId));
    this.#parts.messages.add(tenant, agentId, message, message.sentAtMs + this.#parts.keptMs);
  }
}

function keyOf(...parts: readonly string[]): string {
  return parts.join('\0');
}
