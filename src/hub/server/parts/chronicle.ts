import type {HubEvent} from '../hub-parts.ts';
import type {AuditLog} from '../store/audit-log.ts';
import type {Sessions} from '../store/sessions.ts';

/** Refusals that are written down per second; the others are counted. Strangers make as many as they like. */
const REFUSALS_PER_S = 20;

export interface ChronicleParts {
  readonly sessions: Pick<Sessions, 'start' | 'end'>;
  readonly audit: Pick<AuditLog, 'add'>;
  readonly wallMs: () => number;
}

/** Writes down who came, went and was refused: the history of sessions and the audit log. Durable with the next commit. */
export class Chronicle {
  readonly #parts: ChronicleParts;
  /** By the epoch of the connection. */
  readonly #sessions = new Map<string, number>();
  #second = 0;
  #refused = 0;

  constructor(parts: ChronicleParts) {
    this.#parts = parts;
  }

  note(event: HubEvent): void {
    const {sessions, audit, wallMs} = this.#parts;
    const atMs = wallMs();
    switch (event.kind) {
      case 'agent-joined': {
        const {tenantId: tenant, agentId, role} = event.identity;
        const num = sessions.start({tenant, agent: agentId, role, session: event.sessionId, startedAtMs: atMs});
        if (num !== null) this.#sessions.set(event.epoch, num);
        return;
      }
      case 'agent-left': {
        const num = this.#sessions.get(event.epoch);
        this.#sessions.delete(event.epoch);
        if (num !== undefined) sessions.end(num, {atMs, ending: event.why});
        return;
      }
      case 'token-refreshed': {
        const {tenantId: tenant, agentId: who, tokenId} = event.identity;
        audit.add({atMs, tenant, who, what: 'refresh', detail: {tokenId}});
        return;
      }
      case 'key-added':
      case 'key-removed': {
        const {tenant, agentId, by: who, publicKey, kind: what} = event;
        audit.add({atMs, tenant, who, what, detail: {agentId, publicKey}});
        return;
      }
      case 'task-assigned': {
        const {identity, message, to, topic} = event;
        const {tenantId: tenant, agentId: who} = identity;
        audit.add({atMs, tenant, who, what: 'assign-task', detail: {agentId: to, topic, message}});
        return;
      }
      case 'refused':
        return this.#noteRefusal(event, atMs);
      case 'retired':
      case 'merged':
      case 'backed-up':
      case 'upkeep-failed':
      case 'flush-failed':
      case 'unexpected':
        // Of the hub itself: for its log. What is forgotten and merged, and where copies went, the store writes down itself.
        return;
    }
  }

  #noteRefusal({identity, address, code, message}: Extract<HubEvent, {kind: 'refused'}>, atMs: number): void {
    const second = Math.floor(atMs / 1000);
    if (second !== this.#second) {
      if (this.#refused > REFUSALS_PER_S) {
        const detail = {notWrittenDown: this.#refused - REFUSALS_PER_S};
        this.#parts.audit.add({atMs, tenant: null, who: 'hub', what: 'refuse', detail});
      }
      this.#second = second;
      this.#refused = 0;
    }
    this.#refused += 1;
    if (this.#refused > REFUSALS_PER_S) return;
    this.#parts.audit.add({
      atMs,
      tenant: identity?.tenantId ?? null,
      who: identity?.agentId ?? address,
      what: 'refuse',
      detail: {code, message: message.slice(0, 300), address},
    });
  }
}
