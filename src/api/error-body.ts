import type {Failure, FailureReason} from '../model/failure.ts';

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly v: 1;
  readonly error: Failure;
  readonly text: string;
}

type ErrorStatus = 400 | 404 | 409 | 413 | 426 | 500 | 503;

const STATUS: Partial<Record<FailureReason, ErrorStatus>> = {
  'team-not-found': 404,
  'task-not-found': 404,
  'team-exists': 409,
  'team-active': 409,
  'team-over': 409,
  'team-busy': 409,
  'nothing-to-retry': 409,
  'group-not-found': 404,
  'agent-not-found': 404,
  'memory-not-found': 404,
  'memory-ambiguous': 409,
  'memory-unusable': 503,
  'memory-refused': 409,
  'agent-leaving': 409,
  'team-ambiguous': 409,
  'daemon-incompatible': 426,
  'daemon-unreachable': 503,
  'store-unusable': 503,
  'host-start-failed': 503,
  unexpected: 500,
};

/** The HTTP status of a failure: what is not listed is something wrong with the request. */
export function statusOf(failure: Failure): ErrorStatus {
  return STATUS[failure.reason] ?? 400;
}
