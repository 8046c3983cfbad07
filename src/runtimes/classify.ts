import type {Activity, AgentError} from './agent-runtime.ts';
import {retryAfterIn, retryAfterHeader} from './retry-after.ts';

/** What is known of a failed request or run. */
export interface Trouble {
  /** HTTP status, where one is known. */
  readonly status?: number | null;
  /** What was said of it: an error message, never what the model has written. */
  readonly text: string;
  /** The header of that name as it came. */
  readonly retryAfter?: string | null;
}

type Kind = AgentError['kind'];

const MAX_DETAIL = 2000;

/** Limits within minutes are throttling, whatever else the text says of quotas. */
const SHORT_LIMIT = /per[\s_-]?min|per[\s_-]?sec|PerMinute|PerSecond|\b[rt]pm\b|rate[\s_-]limit/i;
const QUOTA =
  /insufficient[\s_]quota|quota|usage limit|(?:session|weekly|daily|monthly|5-hour|hit your) limit|credit balance|out of credits|insufficient (?:credits|balance|funds)|billing|spend(?:ing)? limit/i;
const THROTTLED = /rate[\s_-]?limit|too many requests|resource[\s_]exhausted|throttl|\b429\b/i;
const OVERLOADED = /overloaded|over capacity|at capacity|temporarily unavailable|service unavailable|\b(?:529|503)\b/i;
const AUTH =
  /invalid (?:x-)?api[\s_-]?key|incorrect api key|api key not (?:valid|found)|no api key|missing api key|not logged in|please (?:run )?\/?log ?in|unauthori[sz]ed|authentication|invalid bearer|token (?:has )?expired|oauth token|forbidden|\b(?:401|403)\b/i;
const TOO_LONG =
  /context[\s_-]?(?:length|window)|prompt is too long|input is too long|request[\s_]too[\s_]large|maximum (?:context|prompt|input)|input token count|too many (?:input )?tokens(?! per)|exceeds? the (?:maximum|limit|available) .*tokens/i;
const REFUSED =
  /refus(?:al|ed to)|usage polic|content[\s_-]?(?:policy|filter)|safety|flagged|prohibited[\s_]content|unable to respond to this request/i;

/** What kind of failure it is, by status first and by words where a status does not tell. `nowMs`: wall clock. */
export function classify(trouble: Trouble, nowMs: number = Date.now()): AgentError {
  const kind = kindOf(trouble.status ?? null, trouble.text);
  const detail = trouble.text.slice(0, MAX_DETAIL);
  if (kind !== 'throttled' && kind !== 'quota' && kind !== 'overloaded') return {kind, detail};
  const retryAfterMs = retryAfterHeader(trouble.retryAfter ?? null, nowMs) ?? retryAfterIn(trouble.text, nowMs);
  return {kind, retryAfterMs, detail};
}

/** Why a CLI tries again by itself. */
export function retryCause(trouble: Trouble): Extract<Activity, {kind: 'retry'}>['cause'] {
  const {kind} = classify(trouble);
  return kind === 'throttled' || kind === 'quota' || kind === 'overloaded' ? kind : 'other';
}

function kindOf(status: number | null, text: string): Kind {
  const quota = QUOTA.test(text) && !SHORT_LIMIT.test(text);
  switch (status) {
    case 429:
      return quota ? 'quota' : 'throttled';
    case 402:
      return 'quota';
    case 401:
      return 'auth';
    case 403:
      return quota ? 'quota' : 'auth';
    case 413:
      return 'context-too-long';
    case 502:
    case 503:
    case 504:
    case 529:
      return 'overloaded';
    default:
      return kindByWords(text, quota);
  }
}

function kindByWords(text: string, quota: boolean): Kind {
  if (TOO_LONG.test(text)) return 'context-too-long';
  if (quota) return 'quota';
  if (THROTTLED.test(text)) return 'throttled';
  if (OVERLOADED.test(text)) return 'overloaded';
  if (AUTH.test(text)) return 'auth';
  return REFUSED.test(text) ? 'refused' : 'crashed';
}
