import {type Result, fail, ok} from '../../base/result.ts';
import type {DocumentState, Documents, Refusal} from './hub-parts.ts';

interface Limits {
  readonly documentsPerTenant: number;
  readonly documentBytes: number;
}

const MOST_UPDATES = 10_000;

interface Kept {
  readonly updates: string[];
  bytes: number;
}

/**
 * Documents as the updates they were made of, which the hub passes on without looking into them: for documents that agents seal
 * end to end. A client that joins gets every update and merges them itself. In memory only.
 */
export class OpaqueDocuments implements Documents {
  readonly #limits: Limits;
  readonly #tenants = new Map<string, Map<string, Kept>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  join(tenant: string, document: string): Result<DocumentState, Refusal> {
    return ok({vector: null, updates: this.#tenants.get(tenant)?.get(document)?.updates ?? []});
  }

  update(tenant: string, document: string, update: string): Result<void, Refusal> {
    const documents = this.#tenants.get(tenant) ?? new Map<string, Kept>();
    const {documentsPerTenant, documentBytes} = this.#limits;
    const kept = documents.get(document) ?? {updates: [], bytes: 0};
    if (!documents.has(document) && documents.size >= documentsPerTenant) {
      return refuse('limit-reached', `a tenant has at most ${documentsPerTenant} documents`);
    }
    if (kept.bytes + update.length > documentBytes) {
      return refuse(
        'storage-full',
        `the updates of document ${document} have more than ${documentBytes} bytes together`,
      );
    }
    if (kept.updates.includes(update)) return ok(undefined);
    if (kept.updates.length >= MOST_UPDATES) {
      return refuse('storage-full', `document ${document} has ${MOST_UPDATES} updates already`);
    }
    kept.updates.push(update);
    kept.bytes += update.length;
    documents.set(document, kept);
    this.#tenants.set(tenant, documents);
    return ok(undefined);
  }
}

function refuse(code: Refusal['code'], message: string): Result<never, Refusal> {
  return fail({code, message, retryAfterMs: null});
}
