import {expect, test} from 'vitest';
import {faultOf} from '../../src/federation/agent-verdict.ts';
import type {FailureReason} from '../../src/model/failure.ts';

test.each<FailureReason>([
  'silent',
  'memory-exceeded',
  'disk-exceeded',
  'timed-out',
  'command-failed',
  'verify-failed',
  'agent-error',
])('%s may be the fault of the agent', reason => {
  expect(faultOf({reason})).toBe('perhaps');
});

test.each<FailureReason>([
  'runtime-unavailable',
  'provider-limited',
  'stopped',
  'budget-exhausted',
  'merge-conflict',
  'review-rejected',
])('%s is never the fault of the agent', reason => {
  expect(faultOf({reason})).toBe('none');
});
