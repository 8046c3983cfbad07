import type {AgentId, HostId} from './ids.ts';

/** One thing wrong in a plan file, at its place (line and column from 1; absent where the document has no text). */
export interface PlanProblem {
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * Every way in which godel is expected to fail, with the facts of the case. `failure-text.ts` makes the sentence,
 * `exit-code.ts` the exit code. What is not in here is a bug and arrives as `unexpected`.
 */
export type Failure =
  | {readonly reason: 'usage'; readonly message: string; readonly hint?: string}
  | {
      readonly reason: 'out-of-range';
      readonly what: string;
      readonly value: string;
      readonly range: string;
      readonly why?: string;
    }
  | {readonly reason: 'plan-unreadable'; readonly file: string; readonly detail: string; readonly hint?: string}
  | {
      readonly reason: 'plan-invalid';
      readonly file: string;
      readonly problems: readonly PlanProblem[];
      readonly omitted: number;
    }
  | {readonly reason: 'config-invalid'; readonly file: string; readonly problems: readonly PlanProblem[]}
  | {readonly reason: 'team-exists'; readonly name: string; readonly state: string}
  | {readonly reason: 'team-not-found'; readonly name: string; readonly known: readonly string[]}
  | {readonly reason: 'team-ambiguous'; readonly known: readonly string[]}
  | {readonly reason: 'team-active'; readonly name: string; readonly state: string}
  /** It is being ended or has ended, so nothing of it can be changed. */
  | {readonly reason: 'team-over'; readonly name: string; readonly state: string}
  /** It has tasks that are not over, `open` of them. */
  | {readonly reason: 'team-busy'; readonly name: string; readonly open: number}
  | {
      readonly reason: 'group-not-found';
      readonly team: string;
      readonly group: string;
      readonly known: readonly string[];
    }
  | {
      readonly reason: 'agent-not-found';
      readonly team: string;
      readonly agent: string;
      readonly similar: readonly string[];
    }
  /** It ends what it is at work on and is gone then, whatever anybody wants of it in between. */
  | {readonly reason: 'agent-leaving'; readonly team: string; readonly agent: string}
  /** Of what was named, or at all: `what` says why as a sentence without its end. */
  | {readonly reason: 'nothing-to-retry'; readonly team: string; readonly why: string}
  | {
      readonly reason: 'task-not-found';
      readonly team: string;
      readonly task: string;
      readonly similar: readonly string[];
    }
  | {
      readonly reason: 'command-failed';
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly tail: string;
    }
  | {
      readonly reason: 'verify-failed';
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly tail: string;
    }
  | {readonly reason: 'spawn-failed'; readonly command: string; readonly code: string; readonly detail: string}
  | {readonly reason: 'timed-out'; readonly timeoutMs: number}
  /** It gave no sign of life (output, activity, processor time) for longer than it may, and was stopped. */
  | {readonly reason: 'silent'; readonly silentMs: number; readonly budgetMs: number}
  /** So many attempts had failed at a runtime or its provider that none is let through for a while; no retry is used up by it. */
  | {
      readonly reason: 'runtime-unavailable';
      readonly what: 'runtime' | 'provider';
      readonly name: string;
      /** When the next one is let through to try, in milliseconds. */
      readonly retryAfterMs: number;
      /** How the last one of them failed. */
      readonly detail: string;
    }
  | {readonly reason: 'output-invalid'; readonly expected: 'json'; readonly detail: string}
  | {readonly reason: 'output-too-large'; readonly limitBytes: number}
  /** Resident memory of all its processes together. */
  | {readonly reason: 'memory-exceeded'; readonly limitBytes: number; readonly usedBytes: number}
  /** What its worktree takes. */
  | {readonly reason: 'disk-exceeded'; readonly limitBytes: number; readonly usedBytes: number}
  /** The attempt's log or output file could not be written (full or read-only disk). */
  | {readonly reason: 'output-unwritable'; readonly file: string; readonly code: string; readonly detail: string}
  | {readonly reason: 'foreach-invalid'; readonly detail: string}
  | {readonly reason: 'instances-failed'; readonly failed: number; readonly total: number}
  | {readonly reason: 'stopped'; readonly by: StopReason}
  /** A coding agent ended without doing its task. `detail` is what it said of it. */
  | {
      readonly reason: 'agent-error';
      readonly runtime: string;
      readonly kind: AgentErrorKind;
      readonly detail: string;
      readonly exitCode: number | null;
    }
  /** The provider let nothing more through; no fault of the task or the agent, and no retry is used up by it. */
  | {
      readonly reason: 'provider-limited';
      readonly provider: string;
      readonly kind: 'throttled' | 'quota' | 'overloaded';
      readonly retryAfterMs: number | null;
      readonly detail: string;
    }
  /** It reported success and has changed nothing, though a change was asked for. */
  | {readonly reason: 'no-change'}
  /** It has changed files outside of `touches`, or any at all where none may be changed (`globs` is empty then). */
  | {
      readonly reason: 'outside-touches';
      readonly files: readonly string[];
      readonly omitted: number;
      readonly globs: readonly string[];
    }
  /** It has used what one attempt may. Null: that was not what was limited. */
  | {readonly reason: 'over-cap'; readonly capUsd: number | null; readonly capTokens: number | null}
  | {readonly reason: 'workspace-failed'; readonly detail: string; readonly hint?: string}
  /** The work is kept in `ref`. */
  | {
      readonly reason: 'merge-conflict';
      readonly files: readonly string[];
      readonly ref: string;
      readonly branch: string;
    }
  | {
      readonly reason: 'merge-verify-failed';
      readonly exitCode: number | null;
      readonly tail: string;
      readonly ref: string;
    }
  | {
      readonly reason: 'review-rejected';
      readonly rounds: number;
      readonly comments: string;
      readonly ref: string | null;
    }
  | {
      readonly reason: 'budget-exhausted';
      readonly what: 'usd' | 'tokens';
      readonly limit: number;
      readonly used: number;
    }
  /** A budget in USD with something whose price nobody knows. */
  | {readonly reason: 'price-unknown'; readonly runtime: string; readonly model: string | null}
  /** Prompts, or tasks with a worktree, and no git repository to work in. */
  | {readonly reason: 'repository-required'; readonly folder: string; readonly detail: string}
  /** `hint` says how to get one. */
  | {readonly reason: 'runtime-missing'; readonly runtime: string; readonly detail: string; readonly hint: string}
  /** An agent asked for a team of its own, and that was not allowed. */
  | {readonly reason: 'spawn-refused'; readonly detail: string}
  | {readonly reason: 'git-failed'; readonly detail: string; readonly hint?: string}
  | {readonly reason: 'attempts-lost'; readonly times: number; readonly lastHost: HostId}
  | {readonly reason: 'agent-failed'; readonly agent: AgentId; readonly detail: string}
  | {readonly reason: 'host-start-failed'; readonly times: number; readonly detail: string}
  | {readonly reason: 'team-timed-out'; readonly timeoutMs: number}
  /** `ending`: it answered that it ends and does nothing about the request any more. */
  | {
      readonly reason: 'daemon-unreachable';
      readonly detail: string;
      readonly hint?: string;
      readonly ending?: true;
    }
  | {
      readonly reason: 'daemon-incompatible';
      readonly daemonVersion: string;
      readonly ourVersion: string;
      readonly older: 'daemon' | 'client';
    }
  | {readonly reason: 'project-unusable'; readonly path: string; readonly detail: string; readonly hint: string}
  | {readonly reason: 'store-unusable'; readonly path: string; readonly detail: string; readonly hint: string}
  /** `what`: what was looked for, as `memory "0199"`. */
  | {
      readonly reason: 'memory-not-found';
      readonly what: string;
      readonly similar: readonly string[];
      readonly hint?: string;
    }
  /** What was given of an id is the beginning of several. */
  | {readonly reason: 'memory-ambiguous'; readonly id: string; readonly matches: readonly string[]}
  /** A file to import, with what is wrong at its lines. */
  | {
      readonly reason: 'memories-invalid';
      readonly file: string;
      readonly problems: readonly PlanProblem[];
      readonly omitted: number;
    }
  | {readonly reason: 'memory-unusable'; readonly detail: string; readonly hint?: string}
  /** By the hub: our role there may not do this. */
  | {readonly reason: 'memory-refused'; readonly detail: string; readonly hint?: string}
  | {readonly reason: 'platform-unsupported'; readonly platform: string}
  | {readonly reason: 'interrupted'; readonly signal: 'SIGINT' | 'SIGTERM'}
  | {readonly reason: 'unexpected'; readonly message: string; readonly stack?: string};

export type FailureReason = Failure['reason'];

/** Why a running attempt was stopped, or a task that had not started was cancelled. */
export const STOP_REASONS = [
  'user',
  'fail-fast',
  'max-failures',
  'team-timeout',
  'no-host',
  'no-agents',
  'daemon-lost',
  'superseded',
  'budget',
  'quota',
  'silent',
  'agent-killed',
  'lost-race',
] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/**
 * How a coding agent fails by itself. auth: not logged in, or the key is not accepted. refused: the model or a policy said no.
 * permission-denied: it was not allowed a tool that it needed. context-too-long: what it was given, or has read, is more than
 * the model takes. bad-output: it did not answer in the form that was asked for. crashed: everything else.
 */
export const AGENT_ERROR_KINDS = [
  'auth',
  'refused',
  'permission-denied',
  'context-too-long',
  'bad-output',
  'crashed',
] as const;
export type AgentErrorKind = (typeof AGENT_ERROR_KINDS)[number];

/** Carries a `Failure` through a throw. Anything else thrown is a bug. */
export class GodelError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.reason, options);
    this.name = 'GodelError';
    this.failure = failure;
  }
}

/** The failure behind anything thrown: its own when it carries one, otherwise `unexpected` with the message and stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof GodelError) return error.failure;
  if (error instanceof Error) {
    return {reason: 'unexpected', message: error.message, ...(error.stack === undefined ? {} : {stack: error.stack})};
  }
  return {reason: 'unexpected', message: String(error)};
}
