import {saysNothing, SharedDocument} from '../replica/shared-document.ts';
import {documentError} from './document-parts.ts';
import type {DocumentAnswer, DocumentRequest} from './hub-adapter.ts';
import {HubError} from './hub-error.ts';

const NOBODY_KNOWS = new Uint8Array([0]);

interface Shared<Member> {
  readonly document: SharedDocument;
  readonly members: Set<Member>;
}

/** The documents of one tenant of an `InProcessHub`, and who takes part in which. */
export class InProcessDocuments<Member> {
  readonly #most: number;
  readonly #shared = new Map<string, Shared<Member>>();

  /** `most`: documents; each has at most 2 MiB. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Throws a HubError. `tell` is called with everybody else who takes part, when the update said something new. */
  take(
    member: Member,
    {document: name, vector, update, leave}: DocumentRequest,
    tell: (other: Member, update: Uint8Array) => void,
  ): DocumentAnswer {
    if (leave) {
      this.#shared.get(name)?.members.delete(member);
      return {vector: null, update: null};
    }
    const {document, members} = this.#open(name);
    members.add(member);
    if (update !== null) {
      const {changes} = document;
      const applied = document.apply(update, null);
      if (!applied.ok) throw documentError(name, applied.failure);
      const others = document.changes === changes ? [] : [...members].filter(other => other !== member);
      for (const other of others) tell(other, update);
    }
    if (vector === null && update !== null) return {vector: document.vector(), update: null};
    const missing = document.missing(vector ?? NOBODY_KNOWS);
    if (!missing.ok) throw documentError(name, missing.failure);
    return {vector: document.vector(), update: saysNothing(missing.value) ? null : missing.value};
  }

  leave(member: Member): void {
    for (const {members} of this.#shared.values()) members.delete(member);
  }

  #open(name: string): Shared<Member> {
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    if (this.#shared.size >= this.#most) {
      throw new HubError('storage-full', `The hub: a tenant has at most ${this.#most} documents`);
    }
    const shared = {document: new SharedDocument(), members: new Set<Member>()};
    this.#shared.set(name, shared);
    return shared;
  }
}
