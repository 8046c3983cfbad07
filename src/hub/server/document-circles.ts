import {ok, type Result} from '../../base/result.ts';
import type {ClientFrame, HubFrame} from '../../wire/hub-protocol.ts';
import {frameText} from '../../wire/hub-text-frame.ts';
import type {HubLimits} from './hub-limits.ts';
import type {DocumentState, Documents, Refusal} from './hub-parts.ts';
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
    if (frame.leave) {
      this.#leave(member, document);
      member.send(documentFrame({id: frame.id, document, vector: null, update: null}));
      return null;
    }
    if (!member.documents.has(document) && member.documents.size >= this.#limits.documentsPerAgent) {
      return {
        code: 'limit-reached',
        message: `one connection may take part in at most ${this.#limits.documentsPerAgent} documents`,
        retryAfterMs: null,
      };
    }
    let isNew = false;
    if (frame.update !== null) {
      const taken = this.#documents.update(tenantId, document, frame.update);
      if (!taken.ok) return taken.failure;
      isNew = taken.value;
    }
    const joined = this.#answer(tenantId, frame);
    if (!joined.ok) return joined.failure;
    this.#circle(tenantId, document).add(member);
    member.documents.add(document);
    if (frame.update !== null && isNew) this.#passOn(member, document, frame.update);
    const {vector, updates} = joined.value;
    for (const update of updates.slice(0, -1)) member.send(documentFrame({id: null, document, vector: null, update}));
    member.send(documentFrame({id: frame.id, document, vector, update: updates.at(-1) ?? null}));
    return null;
  }

  leave(member: Member): void {
    for (const document of [...member.documents]) this.#leave(member, document);
  }

  /** Tells a member which documents it has to join again, since it was too slow to be told what changed. */
  catchUp(member: Member): void {
    if (member.isBehind) return;
    for (const document of member.missed.documents) {
      const known = this.#documents.vector(member.identity.tenantId, document);
      const vector = known.ok ? known.value : null;
      member.send(documentFrame({id: null, document, vector, update: null}));
    }
    member.missed.documents.clear();
  }

  /** Who only tells is told how far the hub is, and not what is in the document. */
  #answer(tenant: string, {document, vector, update}: DocumentFrame): Result<DocumentState, Refusal> {
    if (vector !== null || update === null) return this.#documents.join(tenant, document, vector);
    const known = this.#documents.vector(tenant, document);
    return known.ok ? ok({vector: known.value, updates: []}) : known;
  }

  #leave(member: Member, document: string): void {
    const key = keyOf(member.identity.tenantId, document);
    const circle = this.#circles.get(key);
    circle?.delete(member);
    if (circle?.size === 0) this.#circles.delete(key);
    member.documents.delete(document);
    member.missed.documents.delete(document);
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
