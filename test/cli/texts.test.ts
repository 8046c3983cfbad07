import {PassThrough} from 'node:stream';
import {expect, test} from 'vitest';
import {logLine} from '../../src/cli/log-line.ts';
import {onlyTeam} from '../../src/cli/pick-team.ts';
import {NewsLines, progressLine} from '../../src/cli/plain-progress.ts';
import {Print} from '../../src/cli/print.ts';
import {statusLines, summaryLines, tableLines} from '../../src/cli/summary-text.ts';
import {exitKindOfTeam, teamResult} from '../../src/cli/team-result.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {fabricatedView} from '../tui/fabricated-view.ts';

function printTo(
  stream: PassThrough,
  {isTTY = false, env = {}}: {isTTY?: boolean; env?: Record<string, string>} = {},
): Print {
  const out = Object.assign(stream, {isTTY}) as unknown as NodeJS.WriteStream;
  return new Print({json: 'none', env, stdout: out, stderr: out});
}

const print = printTo(new PassThrough());

const repository = {
  root: '/p',
  gitFolder: '/p/.git',
  prefix: '',
  base: 'a'.repeat(40),
  branch: 'godel/audit',
  checkedOut: 'main',
  dirtyFiles: 0,
};

const failedView = (count: number): TeamView =>
  fabricatedView({
    failures: Array.from({length: count}, (_, index) => ({
      task: `t${index}`,
      attempts: 1,
      failure: {reason: 'timed-out', timeoutMs: 1},
      text: 'It failed.',
    })),
    tasks: {...fabricatedView().tasks, failed: count},
  });

test('the summary says what was done, how long, how busy, and where the output is', () => {
  const lines = summaryLines(
    fabricatedView({
      state: 'failed',
      outcome: 'tasks-failed',
      running: [],
      tasks: {...fabricatedView().tasks, running: 0, ready: 0, waiting: 0},
    }),
    print,
    {withFailures: true},
  );
  expect(lines).toEqual([
    'failed check[node_modules/left-pad] (3 attempts): Its command exited with code 1: no licence',
    'failed check[node_modules/@scope/a-package-with-quite-a-long-name]: It ran longer than its timeout of 1 min and was stopped. Raise `timeout` in the plan if it needs more.',
    'Team audit failed after 3 min 20 s: 1000 tasks, 409 succeeded, 2 failed, 1 skipped.',
    '  466 attempts (4 retried), 48.2 of 50 agents busy on average, CPU 812 s over 3 min 20 s (4.1 cores).',
    '  Output of every task: godel team logs audit [TASK]',
  ]);
});

test('what is unknown is said to be unknown', () => {
  const view = fabricatedView({
    meanBusyAgents: null,
    usage: {...fabricatedView().usage, cpuSeconds: null, maxRssBytes: null},
  });
  expect(summaryLines(view, print, {withFailures: false}).join('\n')).toContain(
    'unknown of 50 agents busy on average, CPU unknown.',
  );
  expect(statusLines(view, print).join('\n')).toContain('CPU unknown · peak memory unknown');
});

test('a table of status shows counts, waiting, failures and what runs, longest first', () => {
  const lines = statusLines(fabricatedView(), print);
  expect(lines[0]).toBe('audit  running  3 min 20 s');
  expect(lines.join('\n')).toContain('waiting   530 tasks wait: every agent is busy');
  const running = lines.slice(lines.findIndex(line => line.startsWith('RUNNING')) + 1);
  expect(running).toHaveLength(50);
  expect(running[0]).toMatch(/^check\[node_modules\/package-49\]\s+audit-50\s+1 min 24 s/);
});

test('lists of thousands are cut and counted', () => {
  expect(summaryLines(failedView(90), print, {withFailures: true})).toContain('… and 70 more failed tasks');
});

test('failures are said once each as they appear, and after twenty only counted', () => {
  const lines = new NewsLines(text => text);
  expect(lines.next(failedView(2))).toEqual(['failed t0: It failed.', 'failed t1: It failed.']);
  expect(lines.next(failedView(3))).toEqual(['failed t2: It failed.']);
  expect(lines.next(failedView(50))).toHaveLength(18);
  expect(lines.next(failedView(60))).toEqual([]);
});

test('nothing was spent before a prompt has ended, and by commands never; afterwards it may be unknown', () => {
  const usage = {...fabricatedView().usage, usd: null, inputTokens: null, outputTokens: null};
  const budget = {limitUsd: 1, limitTokens: null, usedUsd: 0, usedTokens: 0, reservedUsd: 0.5, reservedTokens: 0};
  const view = (change: Partial<TeamView>) =>
    statusLines(fabricatedView({attempts: 9, repository, usage, budget, ...change}), print);
  expect(view({unpriced: 0})).toContain('cost      no cost yet of $1.00, $0.50 reserved · no tokens yet');
  expect(view({unpriced: 1})).toContain('cost      cost unknown of $1.00, $0.50 reserved · tokens unknown');
  const spent = {...budget, reservedUsd: 0};
  expect(view({unpriced: 0, state: 'succeeded', budget: spent})).toContain('cost      no cost of $1.00 · no tokens');
  expect(view({unpriced: 0, state: 'succeeded', budget: null}).join('\n')).not.toContain('cost');
  expect(view({unpriced: 1, state: 'succeeded', budget: null})).toContain('cost      cost unknown · tokens unknown');
});

test('what an hour may cost is shown with what the last one has cost', () => {
  const usage = {...fabricatedView().usage, usd: 1.5, inputTokens: 1000, outputTokens: 10};
  const all = {limitUsd: 5, limitTokens: null, usedUsd: 1.5, usedTokens: 0, reservedUsd: 0, reservedTokens: 0};
  const budget = {...all, hour: {limitUsd: 2, usedUsd: 0.25}};
  expect(statusLines(fabricatedView({usage, budget, repository}), print)).toContain(
    'cost      $1.50 of $5.00 · $0.25 of $2.00 within the hour · 1k tokens in, 10 out',
  );
});

test('a warning is said once, before the failures', () => {
  const lines = new NewsLines(text => text);
  const view = {...failedView(1), warnings: ['2 files are not committed.']};
  expect(lines.next(view)).toEqual(['warning: 2 files are not committed.', 'failed t0: It failed.']);
  expect(lines.next(view)).toEqual([]);
});

test('a team that ran nothing has no branch to look at and no cost', () => {
  const lines = summaryLines(fabricatedView({attempts: 0, repository}), print, {withFailures: false});
  expect(lines.at(-1)).toBe('  Nothing was run.');
});

test('where no task succeeded no branch is praised, but what was kept is', () => {
  const tasks = {...fabricatedView().tasks, succeeded: 0, failed: 1};
  const text = summaryLines(fabricatedView({tasks, repository}), print, {withFailures: false}).join('\n');
  expect(text).not.toContain('godel team merge');
  expect(text).toContain('godel recover list');
});

test('a progress line is short and says what counts', () => {
  expect(progressLine(fabricatedView())).toBe(
    'audit  3 min 20 s  412/1000 done (41 %), 2 failed, 1 skipped, 50 running, 530 ready',
  );
  const starting = fabricatedView({
    agents: {requested: 50, ready: 3, busy: 0, starting: 47, failed: 0},
    tasks: {...fabricatedView().tasks, running: 0},
    waiting: [{why: 'agents are starting', tasks: 530}],
  });
  expect(progressLine(starting)).toContain('3/50 agents ready');
  expect(progressLine(starting)).toContain('530 tasks wait: agents are starting');
});

test('100 % is said only when everything is done', () => {
  const tasks = {...fabricatedView().tasks, total: 1000, succeeded: 997, failed: 1, skipped: 1, running: 1};
  expect(progressLine(fabricatedView({tasks}))).toContain('999/1000 done (99 %)');
});

test('the result has exactly the documented shape', () => {
  expect(teamResult(fabricatedView({durationMs: 1234.567}))).toEqual({
    v: 1,
    team: 'audit',
    state: 'running',
    agents: {requested: 50, ready: 50, failed: 0},
    tasks: {total: 1000, succeeded: 409, failed: 2, skipped: 1, cancelled: 0},
    attempts: 466,
    durationMs: 1235,
    usage: {
      cpuSeconds: 812,
      maxRssBytes: 58_720_256,
      usd: null,
      inputTokens: null,
      outputTokens: null,
      cacheReadTokens: null,
      cacheWriteTokens: null,
    },
    failures: fabricatedView().failures,
  });
});

test.each([
  [null, 'ok'],
  ['ok', 'ok'],
  ['tasks-failed', 'tasks'],
  ['timed-out', 'timeout'],
  ['killed', 'tasks'],
] as const)('a team with the outcome %s ends the command as %s', (outcome, kind) => {
  expect(exitKindOfTeam(fabricatedView({outcome}))).toBe(kind);
});

test('without a name the one team that is not over is meant, else the only one, else nobody guesses', () => {
  const running = fabricatedView({team: 'a'});
  const over = fabricatedView({team: 'b', state: 'succeeded'});
  const other = fabricatedView({team: 'c', state: 'failed'});
  expect(onlyTeam([over, running])).toEqual({ok: true, value: running});
  expect(onlyTeam([over])).toEqual({ok: true, value: over});
  expect(onlyTeam([over, other])).toEqual({ok: false, failure: {reason: 'team-ambiguous', known: ['b', 'c']}});
  expect(onlyTeam([])).toEqual({ok: false, failure: {reason: 'team-ambiguous', known: []}});
});

test('columns are as wide as their widest cell', () => {
  expect(
    tableLines(
      ['A', 'B'],
      [
        ['long cell', 'x'],
        ['y', 'z'],
      ],
      print,
    ),
  ).toEqual(['A          B', 'long cell  x', 'y          z']);
});

test.each([
  [{isTTY: true}, true],
  [{isTTY: true, env: {NO_COLOR: '1'}}, false],
  [{isTTY: true, env: {TERM: 'dumb'}}, false],
  [{isTTY: false, env: {FORCE_COLOR: '1'}}, true],
  [{isTTY: false}, false],
])('colours with %j: %s', (options, colored) => {
  expect(printTo(new PassThrough(), options).style('red', 'x')).toBe(colored ? '\u001b[31mx\u001b[39m' : 'x');
});

test('logs reach a file byte by byte, and a terminal without what could steer it', () => {
  const bytes = Buffer.concat([
    Buffer.from('\u001b]0;owned\u0007\u001b[2J\u001b[31mred\u001b[0m\tok\r\n'),
    Buffer.from([0xff, 0x00]),
  ]);
  const file = new PassThrough();
  printTo(file).log(bytes);
  expect(file.read()).toEqual(bytes);
  const terminal = new PassThrough();
  printTo(terminal, {isTTY: true}).log(bytes);
  expect(String(terminal.read())).toBe('\u001b[31mred\u001b[0m\tok\r\n\ufffd');
});

test('a line of the daemon log is readable, and a line that is none stays', () => {
  const line =
    '{"level":40,"time":"2026-11-20T05:43:20.990Z","pid":7,"host":"host-1","error":{"reason":"usage"},"msg":"a host is gone"}';
  expect(logLine(line)).toBe(
    '2026-11-20T05:43:20.990Z warn  a host is gone host=host-1 error={"reason":"usage"} pid=7',
  );
  expect(logLine('{"half')).toBe('{"half');
  expect(logLine('    at x (y.ts:1:2)\u001b[2J')).toBe('at x (y.ts:1:2)');
});
