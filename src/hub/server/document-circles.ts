import type {ClientFrame, HubFrame} from '../../wire/hub-protocol.ts';
import {frameText} from '../../wire/hub-text-frame.ts';
import type {HubLimits} from './hub-limits.ts';
import type {Documents, Refusal} from './hub-parts.ts';
import type {Member} from './member.ts';

type DocumentFrame = Extract<ClientFrame, {type: 'document'}>;

/** Who edits which shared document, and the passing on of what they change. */
export class DocumentCircles {
  readonly #documents: Documents;
  readonly #limits: HubLimits;
  readonly #circles = new Map<string, Set<Member>>();

  constructor(documents: Documents, limits: HubLimits) {
    this.#documents = documents;
    this.#limits = limits;
  }

  /** Answers the request; whoever sends one is in the circle of that document from then on. */
  take(member: Member, frame: DocumentFrame): Refusal | null {
    const {tenantId} = member.identity;
    const {document} = frame;
    if (!member.documents.has(document) && member.documents.size >= this.#limits.documentsPerAgent) {
      return {
        code: 'limit-reached',
        message: `one connection may take part in at most ${this.#limits.documentsPerAgent} documents`,
        retryAfterMs: null,
      };
    }
    if (frame.update !== null) {
      const taken = this.#documents.update(tenantId, document, frame.update);
      if (!taken.ok) return taken.failure;
    }
    const joined = this.#documents.join(tenantId, document, frame.vector);
    if (!joined.ok) return joined.failure;
    this.#circle(tenantId, document).add(member);
    member.documents.add(document);
    if (frame.update !== null) this.#passOn(member, document, frame.update);
    const {vector, updates} =
      frame.vector === null && frame.update !== null ? {...joined.value, updates: []} : joined.value;
    for (const update of updates.slice(0, -1)) member.send(documentFrame({id: null, document, vector: null, update}));
    member.send(documentFrame({id: frame.id, document, vector, update: updates.at(-1) ?? null}));
    return null;
  }

  leave(member: Member): void {
    for (const document of member.documents) {
      const key = keyOf(member.identity.tenantId, document);
      const circle = this.#circles.get(key);
      circle?.delete(member);
      if (circle?.size === 0) this.#circles.delete(key);
    }
    member.documents.clear();
  }

  /** Tells a member which documents it has to join again, since it was too slow to be told what changed. */
  catchUp(member: Member): void {
    if (member.isBehind) return;
    for (const document of member.missed.documents) {
      const joined = this.#documents.join(member.identity.tenantId, document, null);
      const vector = joined.ok ? joined.value.vector : null;
      member.send(documentFrame({id: null, document, vector, update: null}));
    }
    member.missed.documents.clear();
  }

  #passOn(author: Member, document: string, update: string): void {
    const frame = frameText(JSON.stringify(documentFrame({id: null, document, vector: null, update})));
    for (const member of this.#circle(author.identity.tenantId, document)) {
      if (member === author) continue;
      if (member.isBehind) member.missed.documents.add(document);
      else member.socket.sendFramed(frame);
    }
  }

  #circle(tenant: string, document: string): Set<Member> {
    const key = keyOf(tenant, document);
    const circle = this.#circles.get(key) ?? new Set<Member>();
    this.#circles.set(key, circle);
    return circle;
  }
}

type DocumentAnswer = Extract<HubFrame, {type: 'document'}>;

function documentFrame(fields: Omit<DocumentAnswer, 'type'>): DocumentAnswer {
  return {type: 'document', ...fields};
}

function keyOf(tenant: string, document: string): string {
  return JSON.stringify([tenant, document]);
}
