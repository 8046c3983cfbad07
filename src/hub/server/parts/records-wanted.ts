import type {AuditWanted} from '../store/audit-log.ts';
import type {SessionsWanted} from '../store/sessions.ts';

/** Which rows of what a hub has written down; all that is not said is wanted. */
export interface RecordsWanted {
  readonly tenantId?: string;
  readonly agentId?: string;
  /** Unix epoch, milliseconds. */
  readonly sinceMs?: number;
  /** 1 to 10,000; default: 100. */
  readonly limit?: number;
  /** The lowest number of the page before. */
  readonly before?: number;
}

export interface SessionRecordsWanted extends RecordsWanted {
  readonly state?: 'active' | 'past';
}

const LIMIT = 100;
const MAX_LIMIT = 10_000;

/** Throws RangeError on a limit that is none. */
export function auditOf({tenantId, agentId, sinceMs, before, limit = LIMIT}: RecordsWanted): AuditWanted {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new RangeError(`limit is ${limit}; expected 1 to ${MAX_LIMIT}`);
  }
  const who = {tenant: tenantId ?? null, agent: agentId ?? null};
  return {...who, sinceMs: sinceMs ?? null, before: before ?? null, limit};
}

export function sessionsOf({state, ...wanted}: SessionRecordsWanted): SessionsWanted {
  return {...auditOf(wanted), state: state ?? null};
}
