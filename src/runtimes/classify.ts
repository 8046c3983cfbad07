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

/** A status as people write it: at the beginning, or said to be one. Other numbers are lines, ports and sizes. */
const STATUS = /(?:^\W{0,3}|\b(?:status|code|http|error|rejected)\b[^\w\n]{0,5}(?:code\W{0,3})?)([45]\d\d)\b/i;
/** Limits within minutes are throttling, whatever else the text says of quotas. */
const SHORT_LIMIT = /per[\s_-]?min|per[\s_-]?sec|PerMinute|PerSecond|\b[rt]pm\b|rate[\s_-]limit/i;
const QUOTA =
  /insufficient[\s_]quota|(?<!disk )quota|usage limit|(?:session|weekly|daily|monthly|5-hour|hit your) limit|credit balance|out of credits|insufficient (?:credits|balance|funds)|billing|spend(?:ing)? limit/i;
/** What Google says of every limit, also of one within the minute. */
const GOOGLES_USUAL = '(e.g. check quota)';
const THROTTLED = /rate[\s_-]limit|RateLimitError|too many requests|resource[\s_]exhausted|throttl(?:ed|ing)/i;
const OVERLOADED = /\boverloaded|over capacity|at capacity|temporarily unavailable|service unavailable/i;
const AUTH =
  /invalid (?:x-)?api[\s_-]?key|incorrect api key|api key not (?:valid|found)|no api key|missing api key|not logged in|please (?:run )?\/?log ?in|unauthori[sz]ed|authentication|invalid bearer|token (?:has )?expired|oauth token/i;
const TOO_LONG =
  /context[\s_-]?(?:length|window)|prompt is too long|input is too long|request[\s_]too[\s_]large|maximum (?:context|prompt|input)|input token count|too many (?:input )?tokens(?! per)|exceeds? the (?:maximum|limit|available) .*tokens/i;
const REFUSED =
  /\brefusal\b|refused to (?:answer|help|continue)|usage polic|content[\s_-]?(?:policy|filter)|safety[\s_-](?:filter|polic|setting|classifier|reason)|flagged (?:as|by|for)|prohibited[\s_]content|unable to respond to this request/i;

/** What kind of failure it is, by status first and by words where a status does not tell. `nowMs`: wall clock. */
export function classify(trouble: Trouble, nowMs: number = Date.now()): AgentError {
  const kind = kindOf(trouble.status ?? statusIn(trouble.text), trouble.text);
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

function statusIn(text: string): number | null {
  const status = STATUS.exec(text)?.[1];
  return status === undefined ? null : Number(status);
}

function kindOf(status: number | null, text: string): Kind {
  const quota = QUOTA.test(text.replaceAll(GOOGLES_USUAL, '')) && !SHORT_LIMIT.test(text);
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
