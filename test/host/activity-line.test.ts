import {expect, test} from 'vitest';
import {activityLine} from '../../src/host/activity-line.ts';
import type {Activity} from '../../src/runtimes/agent-runtime.ts';

test.each<[Activity, string | null]>([
  [{kind: 'session', id: 'abc'}, '[session abc]'],
  [{kind: 'message', text: 'I will look.'}, 'I will look.'],
  [{kind: 'message', text: ' \n'}, null],
  [{kind: 'tool', name: 'Bash', detail: 'npm test'}, '> Bash: npm test'],
  [{kind: 'tool', name: 'List', detail: ''}, '> List'],
  [{kind: 'edit', path: 'src/a.ts'}, '> edits src/a.ts'],
  [{kind: 'permission', what: 'WebFetch', granted: false}, '! was denied WebFetch'],
  [
    {kind: 'retry', cause: 'throttled', delayMs: 2000, detail: 'HTTP 429'},
    '! tries again in 2 s: the provider limits the rate of requests (HTTP 429)',
  ],
  [{kind: 'retry', cause: 'other', delayMs: null, detail: ''}, '! tries again: the request failed'],
  [{kind: 'noise', text: 'npm WARN old'}, 'npm WARN old'],
])('%j is shown as %j', (activity, line) => {
  expect(activityLine(activity)).toBe(line);
});
