import type {Failure} from '../../model/failure.ts';
import {failureText} from '../../model/failure-text.ts';
import type {HubErrorCode} from '../../wire/hub-protocol.ts';

/**
 * What goes wrong on this side of the line, beside the codes of the hub. `bad-option`: what was given cannot be. `unreachable`:
 * nobody answers at the endpoint. `not-connected`: the connection ended before the answer came; whether it was done is not known.
 * `timed-out`: no answer in time. `no-token`: the token could not be had. `cache-unusable`: the file of the cache. `cache-full`: as
 * much waits for the hub as is kept. `ended`: the agent, or its connection, was ended before.
 */
export type HubClientCode =
  | HubErrorCode
  | 'bad-option'
  | 'unreachable'
  | 'not-connected'
  | 'timed-out'
  | 'no-token'
  | 'cache-unusable'
  | 'cache-full'
  | 'ended';

/** Everything the client library throws on purpose. */
export class HubError extends Error {
  readonly code: HubClientCode;
  /** It may be tried again, after so many milliseconds; null: it does not help to try it again as it is. */
  readonly retryAfterMs: number | null;

  constructor(
    code: HubClientCode,
    message: string,
    {retryAfterMs = null, cause}: {retryAfterMs?: number | null; cause?: unknown} = {},
  ) {
    super(message, cause === undefined ? undefined : {cause});
    this.name = 'HubError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

export function badOption(message: string): HubError {
  return new HubError('bad-option', message);
}

export function cacheUnusable(failure: Failure): HubError {
  return new HubError('cache-unusable', failureText(failure));
}

export function hubErrorOf(error: unknown): HubError {
  if (error instanceof HubError) return error;
  return new HubError('internal', error instanceof Error ? error.message : String(error), {cause: error});
}

/** Whether the same request may succeed later, with nobody doing anything about it here. */
export function isPassing({code, retryAfterMs}: HubError): boolean {
  return retryAfterMs !== null || PASSING.has(code);
}

const PASSING: ReadonlySet<HubClientCode> = new Set([
  'unreachable',
  'not-connected',
  'timed-out',
  'no-token',
  'too-fast',
  'unavailable',
  'disk-full',
  'internal',
]);
