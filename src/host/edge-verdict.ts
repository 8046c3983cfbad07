import {isStartingDeath} from '../model/edge.ts';
import type {Failure} from '../model/failure.ts';

/** What an attempt has shown of an edge. unknown: nothing, it was stopped or failed by something else before. */
export type EdgeVerdict =
  | {readonly kind: 'fine'}
  | {readonly kind: 'unknown'}
  | {readonly kind: 'failed'; readonly said: string};

const FINE: EdgeVerdict = {kind: 'fine'};
const UNKNOWN: EdgeVerdict = {kind: 'unknown'};

/** Words of Node's, Python's and Go's network errors. */
const NETWORK =
  /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPIPE)\b|fetch failed|socket hang up|connection (?:error|refused|reset)|getaddrinfo|no such host|network (?:error|is unreachable)/i;
/** A program that is there and cannot be run; a missing working directory says nothing of it. */
const CANNOT_RUN = new Set(['EACCES', 'ENOEXEC']);

/** How a runtime that had not said anything has started, by how its attempt ended. */
export function runtimeVerdict(failure: Failure | null): EdgeVerdict {
  if (failure === null) return FINE;
  switch (failure.reason) {
    case 'runtime-missing':
      return {kind: 'failed', said: failure.detail};
    case 'spawn-failed':
      return CANNOT_RUN.has(failure.code) ? {kind: 'failed', said: failure.detail} : UNKNOWN;
    case 'agent-error':
      // Whatever else it fails with, it has started and said so.
      if (failure.kind !== 'crashed') return FINE;
      if (NETWORK.test(failure.detail) || !isStartingDeath(failure.runtime, false)) return UNKNOWN;
      return {kind: 'failed', said: failure.detail};
    case 'provider-limited':
    case 'over-cap':
      return FINE;
    default:
      return UNKNOWN;
  }
}

/** How a provider that had not answered is, by how an attempt ended. Throttling and quotas are answers. */
export function providerVerdict(failure: Failure | null): EdgeVerdict {
  if (failure === null) return FINE;
  switch (failure.reason) {
    case 'provider-limited':
      return failure.kind === 'overloaded' ? {kind: 'failed', said: failure.detail} : FINE;
    case 'agent-error':
      if (failure.kind === 'auth') return {kind: 'failed', said: failure.detail};
      if (failure.kind === 'crashed') {
        return NETWORK.test(failure.detail) ? {kind: 'failed', said: failure.detail} : UNKNOWN;
      }
      return FINE;
    case 'over-cap':
      return FINE;
    default:
      return UNKNOWN;
  }
}
