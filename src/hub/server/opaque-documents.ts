import {type Result, fail, ok} from '../../base/result.ts';
import type {HubLimits} from './hub-limits.ts';
import type {DocumentState, Documents, Refusal} from './hub-parts.ts';

type Limits = Pick<HubLimits, 'documentsPerTenant' | 'documentBytes' | 'documentBytesPerTenant' | 'documentBytesInAll'>;

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
  readonly #bytes = new Map<string, number>();
  #bytesInAll = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  join(tenant: string, document: string): Result<DocumentState, Refusal> {
    return ok({vector: null, updates: this.#tenants.get(tenant)?.get(document)?.updates ?? []});
  }

  vector(): Result<null, Refusal> {
    return ok(null);
  }

  update(tenant: string, document: string, update: string): Result<boolean, Refusal> {
    const documents = this.#tenants.get(tenant) ?? new Map<string, Kept>();
    const {documentsPerTenant, documentBytes, documentBytesPerTenant, documentBytesInAll} = this.#limits;
    const ofTenant = this.#bytes.get(tenant) ?? 0;
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
    if (kept.updates.includes(update)) return ok(false);
    if (ofTenant + update.length > documentBytesPerTenant) {
      return refuse(
        'storage-full',
        `the documents of this tenant have more than ${documentBytesPerTenant} bytes together`,
      );
    }
    if (this.#bytesInAll + update.length > documentBytesInAll) {
      return refuse('storage-full', 'the hub has no more room for documents');
    }
    if (kept.updates.length >= MOST_UPDATES) {
      return refuse('storage-full', `document ${document} has ${MOST_UPDATES} updates already`);
    }
    kept.updates.push(update);
    kept.bytes += update.length;
    this.#bytes.set(tenant, ofTenant + update.length);
    this.#bytesInAll += update.length;
    documents.set(document, kept);
    this.#tenants.set(tenant, documents);
    return ok(true);
  }
}

function refuse(code: Refusal['code'], message: string): Result<never, Refusal> {
  return fail({code, message, retryAfterMs: null});
}
