import {fail, ok, type Result} from '../../../base/result.ts';
import type {HubMessage} from '../../../model/hub.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {HubStore, HubStoreFailure} from '../hub-store.ts';
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
/** Beyond it, which only a disk that fails for long brings about, the oldest are in memory alone. */
const MOST_UNSAVED = 10_000;
/** After a failure nothing is tried for so long, in milliseconds. */
const RETRY_MS = 1000;

/**
 * Direct messages on disk. One for an agent that is not here is durable before its sender is told; one for an agent that is here
 * is written only if it has not been taken by the next `save`.
 */
export class MailStore implements MailKeeper {
  readonly #parts: MailStoreParts;
  /** Not durable yet. */
  readonly #unsaved = new Map<string, Waiting>();
  /** Those of them whose senders wait for it. */
  readonly #due = new Set<string>();
  #failed: {readonly failure: HubStoreFailure; readonly atMs: number} | null = null;
  /** Agents for whom there may be something in the store. */
  readonly #agents: Set<string>;

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
    const key = keyOf(tenant, agentId, message.id);
    this.#unsaved.set(key, {tenant, agentId, message});
    if (!isPresent) this.#due.add(key);
    if (this.#unsaved.size <= MOST_UNSAVED) return;
    for (const oldest of this.#unsaved.keys()) return this.#forget(oldest);
  }

  taken(tenant: string, agentId: string, ids: readonly string[]): void {
    const written = ids.filter(id => {
      const key = keyOf(tenant, agentId, id);
      const isWritten = !this.#unsaved.has(key);
      this.#forget(key);
      return isWritten;
    });
    if (written.length > 0) this.#parts.messages.take(tenant, agentId, written);
  }

  settle(): Result<void, HubStoreFailure> {
    if (this.#due.size === 0) return ok(undefined);
    const failed = this.#failed;
    if (failed !== null && performance.now() - failed.atMs < RETRY_MS) return fail(failed.failure);
    for (const key of this.#due) {
      const waiting = this.#unsaved.get(key);
      if (waiting) this.#write(waiting);
    }
    const flushed = this.#parts.flush();
    this.#failed = flushed.ok ? null : {failure: flushed.failure, atMs: performance.now()};
    if (flushed.ok) for (const key of this.#due) this.#forget(key);
    else {
      const {kind, detail} = flushed.failure;
      this.#parts.onEvent({kind: 'flush-failed', full: kind === 'full', detail});
    }
    return flushed;
  }

  /** Writes all that waits and was not taken; durable with the next commit. Say `saved` when that has succeeded. */
  save(): void {
    const {wallMs, keptMs} = this.#parts;
    const sinceMs = wallMs() - keptMs;
    for (const [key, waiting] of this.#unsaved) {
      if (waiting.message.sentAtMs > sinceMs) this.#write(waiting);
      else this.#forget(key);
    }
  }

  /** All that waited is on the disk. Nothing has been kept since `save`. */
  saved(): void {
    this.#unsaved.clear();
    this.#due.clear();
    this.#failed = null;
  }

  expire(): void {
    this.#parts.messages.expire(this.#parts.wallMs());
  }

  #forget(key: string): void {
    this.#unsaved.delete(key);
    this.#due.delete(key);
  }

  #write({tenant, agentId, message}: Waiting): void {
    this.#agents.add(keyOf(tenant, agentId));
    this.#parts.messages.add(tenant, agentId, message, message.sentAtMs + this.#parts.keptMs);
  }
}

function keyOf(...parts: readonly string[]): string {
  return parts.join('\0');
}
