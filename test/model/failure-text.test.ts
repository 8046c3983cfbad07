import {expect, test} from 'vitest';
import type {Failure, FailureReason} from '../../src/model/failure.ts';
import {failureLines, failureText} from '../../src/model/failure-text.ts';
import {agentId, hostId} from '../../src/model/ids.ts';

/** One of each, so that a new member of the union does not compile without its example. */
const EXAMPLES: {readonly [R in FailureReason]: Extract<Failure, {reason: R}>} = {
  'agent-error': {reason: 'agent-error', runtime: 'claude', kind: 'auth', detail: 'Invalid API key', exitCode: 1},
  'provider-limited': {
    reason: 'provider-limited',
    provider: 'anthropic',
    kind: 'throttled',
    retryAfterMs: 30_000,
    detail: '429 too many requests',
  },
  'no-change': {reason: 'no-change'},
  silent: {reason: 'silent', silentMs: 601_200, budgetMs: 600_000},
  'runtime-unavailable': {
    reason: 'runtime-unavailable',
    what: 'provider',
    name: 'anthropic',
    retryAfterMs: 29_500,
    detail: '529 overloaded',
  },
  'outside-touches': {reason: 'outside-touches', files: ['README.md'], omitted: 2, globs: ['src/**']},
  'over-cap': {reason: 'over-cap', capUsd: 0.5, capTokens: null},
  'workspace-failed': {reason: 'workspace-failed', detail: 'no space left on device', hint: 'make room'},
  'merge-conflict': {
    reason: 'merge-conflict',
    files: ['src/a.ts', 'src/b.ts'],
    ref: 'refs/godel/audit/fix/7',
    branch: 'godel/audit',
  },
  'merge-verify-failed': {
    reason: 'merge-verify-failed',
    exitCode: 1,
    tail: '2 tests failed',
    ref: 'refs/godel/audit/fix/7',
  },
  'review-rejected': {reason: 'review-rejected', rounds: 2, comments: 'The tests are missing.', ref: null},
  'budget-exhausted': {reason: 'budget-exhausted', what: 'usd', limit: 5, used: 4.98},
  'price-unknown': {reason: 'price-unknown', runtime: 'codex', model: null},
  'repository-required': {reason: 'repository-required', folder: '/tmp/x', detail: 'it is not in a git repository'},
  'runtime-missing': {reason: 'runtime-missing', runtime: 'pi', detail: 'it is not on PATH', hint: 'install it'},
  'spawn-refused': {reason: 'spawn-refused', detail: 'Its team allows none.'},
  'git-failed': {reason: 'git-failed', detail: 'index.lock exists'},
  usage: {reason: 'usage', message: 'unknown option --cuont', hint: 'Did you mean --count?'},
  'out-of-range': {reason: 'out-of-range', what: '--count', value: '0', range: 'a whole number from 1 to 1000'},
  'plan-unreadable': {reason: 'plan-unreadable', file: 'p.yaml', detail: 'it is a folder'},
  'plan-invalid': {
    reason: 'plan-invalid',
    file: 'p.yaml',
    problems: [
      {message: 'unknown key "rnu"', hint: 'Did you mean "run"?', line: 4, column: 5},
      {message: 'task "a" needs itself', line: 9, column: 3},
    ],
    omitted: 2,
  },
  'config-invalid': {reason: 'config-invalid', file: 'c.yaml', problems: [{message: 'unknown setting "x"', line: 1}]},
  'team-exists': {reason: 'team-exists', name: 'audit', state: 'running'},
  'team-not-found': {reason: 'team-not-found', name: 'audti', known: ['audit', 'build']},
  'team-ambiguous': {reason: 'team-ambiguous', known: ['audit', 'build']},
  'team-over': {reason: 'team-over', name: 'audit', state: 'draining'},
  'team-busy': {reason: 'team-busy', name: 'audit', open: 3},
  'group-not-found': {reason: 'group-not-found', team: 'audit', group: 'codre', known: ['coder', 'tester']},
  'agent-not-found': {reason: 'agent-not-found', team: 'audit', agent: 'audit-7', similar: ['audit-07']},
  'agent-leaving': {reason: 'agent-leaving', team: 'audit', agent: 'audit-07'},
  'nothing-to-retry': {reason: 'nothing-to-retry', team: 'audit', why: 'all its tasks have succeeded'},
  'team-active': {reason: 'team-active', name: 'audit', state: 'running'},
  'task-not-found': {reason: 'task-not-found', team: 'audit', task: 'chekc', similar: ['check']},
  'command-failed': {
    reason: 'command-failed',
    exitCode: 3,
    signal: null,
    tail: 'reading\n\u001b[31mno such file\u001b[0m\n',
  },
  'verify-failed': {reason: 'verify-failed', exitCode: null, signal: 'SIGKILL', tail: ''},
  'spawn-failed': {reason: 'spawn-failed', command: '/bin/sh', code: 'ENOENT', detail: 'no such folder /nowhere'},
  'timed-out': {reason: 'timed-out', timeoutMs: 90_000},
  'output-invalid': {reason: 'output-invalid', expected: 'json', detail: 'unexpected token at 3'},
  'output-too-large': {reason: 'output-too-large', limitBytes: 10 * 1024 * 1024},
  'memory-exceeded': {reason: 'memory-exceeded', limitBytes: 2 * 1024 ** 3, usedBytes: 2.1 * 1024 ** 3},
  'disk-exceeded': {reason: 'disk-exceeded', limitBytes: 500 * 1024 ** 2, usedBytes: 612 * 1024 ** 2},
  'output-unwritable': {reason: 'output-unwritable', file: 'logs/1.1.log', code: 'ENOSPC', detail: 'no space left'},
  'foreach-invalid': {reason: 'foreach-invalid', detail: 'two items have the key "a"'},
  'instances-failed': {reason: 'instances-failed', failed: 2, total: 9},
  stopped: {reason: 'stopped', by: 'fail-fast'},
  'attempts-lost': {reason: 'attempts-lost', times: 2, lastHost: hostId('h-1')},
  'agent-failed': {reason: 'agent-failed', agent: agentId('audit-01'), detail: 'no shell'},
  'host-start-failed': {reason: 'host-start-failed', times: 3, detail: 'exit 1'},
  'team-timed-out': {reason: 'team-timed-out', timeoutMs: 60_000},
  'memory-not-found': {reason: 'memory-not-found', what: 'memory of an agent "a-1"', similar: ['a-01']},
  'memory-ambiguous': {reason: 'memory-ambiguous', id: '0199', matches: ['0199-a', '0199-b']},
  'memories-invalid': {
    reason: 'memories-invalid',
    file: 'lessons.jsonl',
    problems: [{message: 'it is not JSON', line: 3}],
    omitted: 2,
  },
  'memory-unusable': {
    reason: 'memory-unusable',
    detail: '.godel/memory.db cannot be opened',
    hint: '`godel daemon logs` says why',
  },
  'memory-refused': {reason: 'memory-refused', detail: 'its role there is worker', hint: 'Ask a coordinator'},
  'daemon-unreachable': {reason: 'daemon-unreachable', detail: 'no answer for 10 s', hint: 'Try `godel daemon stop`.'},
  'daemon-incompatible': {reason: 'daemon-incompatible', daemonVersion: '0.1.0', ourVersion: '0.2.0', older: 'daemon'},
  'project-unusable': {reason: 'project-unusable', path: '/p', detail: 'read-only', hint: 'Make it writable.'},
  'store-unusable': {reason: 'store-unusable', path: '/p/.godel/store.db', detail: 'newer', hint: 'Update godel.'},
  'platform-unsupported': {reason: 'platform-unsupported', platform: 'win32'},
  interrupted: {reason: 'interrupted', signal: 'SIGINT'},
  unexpected: {reason: 'unexpected', message: 'x is not a function'},
};

test('every failure is one line of text that ends like a sentence or with the output it quotes', () => {
  for (const failure of Object.values(EXAMPLES)) {
    const text = failureText(failure);
    expect(text, failure.reason).not.toMatch(/[\n\u001b]|undefined|null|\[object/);
    expect(text.length, failure.reason).toBeGreaterThan(10);
  }
  expect(Object.fromEntries(Object.values(EXAMPLES).map(each => [each.reason, failureText(each)]))).toMatchSnapshot();
});

test('a plan with several problems is one line each with its place, the hint below, and a count of what is left out', () => {
  expect(failureLines(EXAMPLES['plan-invalid'])).toEqual([
    'p.yaml:4:5: unknown key "rnu"',
    '  Did you mean "run"?',
    'p.yaml:9:3: task "a" needs itself',
    '… and 2 more problems',
  ]);
});

test('output of a failed command cannot steer the terminal and is cut', () => {
  const tail = `\u001b]0;title\u0007\u001b[2Jred\u001b[0m${'x'.repeat(5000)}`;
  const text = failureText({reason: 'command-failed', exitCode: 1, signal: null, tail});
  expect(text).not.toContain('\u001b');
  expect(text).toMatch(/^Its command exited with code 1: redx+…$/);
  expect(text.length).toBeLessThan(400);
});

test('at most ten teams are listed', () => {
  const known = Array.from({length: 14}, (_, index) => `t${index}`);
  expect(failureText({reason: 'team-ambiguous', known})).toMatch(/"t9" and 4 more/);
});
