import type {FailureReason} from './failure.ts';

/** The one table of exit codes; docs/exit-codes in the CLI reference is generated from it. */
export const EXIT_CODES = {
  ok: {code: 0, meaning: 'everything asked for was done'},
  tasks: {code: 1, meaning: 'a task failed, or was skipped or cancelled because of one that failed or was stopped'},
  usage: {code: 2, meaning: 'wrong usage, an invalid plan or config, or a team or task that does not exist'},
  budget: {code: 3, meaning: 'the budget ended the team'},
  quota: {code: 4, meaning: 'a rate limit or quota ended the team'},
  daemon: {code: 5, meaning: 'the daemon is unreachable, cannot start here, or has another version'},
  timeout: {code: 6, meaning: 'the time given with --timeout ran out'},
  internal: {code: 7, meaning: 'internal error: a bug in godel'},
  sigint: {code: 130, meaning: 'interrupted (SIGINT, Ctrl-C)'},
  sigterm: {code: 143, meaning: 'terminated (SIGTERM)'},
} as const satisfies Record<string, {code: number; meaning: string}>;

export type ExitKind = keyof typeof EXIT_CODES;

const BY_REASON = {
  usage: 'usage',
  'out-of-range': 'usage',
  'plan-unreadable': 'usage',
  'plan-invalid': 'usage',
  'config-invalid': 'usage',
  'team-exists': 'usage',
  'team-not-found': 'usage',
  'team-ambiguous': 'usage',
  'team-active': 'usage',
  'task-not-found': 'usage',
  'command-failed': 'tasks',
  'verify-failed': 'tasks',
  'spawn-failed': 'tasks',
  'timed-out': 'tasks',
  silent: 'tasks',
  'runtime-unavailable': 'tasks',
  'output-invalid': 'tasks',
  'output-too-large': 'tasks',
  'memory-exceeded': 'tasks',
  'disk-exceeded': 'tasks',
  'output-unwritable': 'tasks',
  'foreach-invalid': 'tasks',
  'instances-failed': 'tasks',
  stopped: 'tasks',
  'agent-error': 'tasks',
  'provider-limited': 'quota',
  'no-change': 'tasks',
  'outside-touches': 'tasks',
  'over-cap': 'tasks',
  'workspace-failed': 'tasks',
  'merge-conflict': 'tasks',
  'merge-verify-failed': 'tasks',
  'review-rejected': 'tasks',
  'budget-exhausted': 'budget',
  'price-unknown': 'usage',
  'repository-required': 'usage',
  'runtime-missing': 'usage',
  'spawn-refused': 'usage',
  'git-failed': 'tasks',
  'attempts-lost': 'tasks',
  'agent-failed': 'tasks',
  'host-start-failed': 'daemon',
  'team-timed-out': 'timeout',
  'daemon-unreachable': 'daemon',
  'daemon-incompatible': 'daemon',
  'project-unusable': 'daemon',
  'store-unusable': 'daemon',
  'platform-unsupported': 'usage',
  interrupted: 'sigint',
  unexpected: 'internal',
} as const satisfies Record<FailureReason, ExitKind>;

export function exitKindOf(reason: FailureReason): ExitKind {
  return BY_REASON[reason];
}
