import {mkdirSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {acpPermission} from '../../src/runtimes/acp-permission.ts';
import {temporaryFolder} from './run-agent.ts';

const OPTIONS = [
  {optionId: 'a', kind: 'allow_always'},
  {optionId: 'o', kind: 'allow_once'},
  {optionId: 'r', kind: 'reject_once'},
];

interface Case {
  readonly kind: string;
  readonly paths?: readonly string[];
  readonly title?: string;
  readonly command?: string;
  readonly allow?: readonly string[];
  readonly readOnly?: boolean;
  readonly cwd?: string;
}

function granted({
  kind,
  paths = [],
  title = '',
  command,
  allow = [],
  readOnly = false,
  cwd = '/work/tree',
}: Case): boolean {
  const call = {id: 'c', kind, title, paths, command: command ?? null};
  return acpPermission({call, options: OPTIONS, request: {cwd, allow, readOnly}}).granted;
}

test.each<[string, Case, boolean]>([
  ['an edit inside', {kind: 'edit', paths: ['/work/tree/a/b.ts']}, true],
  ['an edit inside, by a relative path', {kind: 'edit', paths: ['a.ts']}, true],
  ['an edit outside', {kind: 'edit', paths: ['/work/other/a.ts']}, false],
  ['an edit by a path that leads out', {kind: 'edit', paths: ['../x']}, false],
  ['an edit of a folder whose name begins alike', {kind: 'edit', paths: ['/work/tree-2/x']}, false],
  ['edits of which one is outside', {kind: 'edit', paths: ['a.ts', '/etc/passwd']}, false],
  ['an edit of nobody knows what', {kind: 'edit'}, false],
  ['an edit by one who must change nothing', {kind: 'edit', paths: ['a.ts'], readOnly: true}, false],
  ['a deletion inside', {kind: 'delete', paths: ['a.ts']}, true],
  ['reading inside', {kind: 'read', paths: ['a.ts']}, true],
  ['reading outside', {kind: 'read', paths: ['/etc/hosts']}, false],
  ['reading outside, allowed', {kind: 'read', paths: ['/etc/hosts'], allow: ['read-outside']}, true],
  ['writing outside, where reading is allowed', {kind: 'edit', paths: ['/etc/hosts'], allow: ['all']}, false],
  ['a command that looks', {kind: 'execute', command: 'git status --short'}, true],
  ['a command that looks, and one more', {kind: 'execute', command: 'git status; rm -rf x'}, false],
  ['a command that looks, into a file', {kind: 'execute', command: 'git log > /etc/x'}, false],
  ['any command', {kind: 'execute', command: 'npm test'}, false],
  ['a command by a pattern', {kind: 'execute', command: 'npm test -- a', allow: ['bash:npm test*']}, true],
  ['any command, allowed', {kind: 'execute', command: 'a && b', allow: ['bash']}, true],
  [
    'any command, allowed, by one who must change nothing',
    {kind: 'execute', command: 'a', allow: ['all'], readOnly: true},
    false,
  ],
  ['a command that nobody knows', {kind: 'execute', allow: ['bash:npm test*']}, false],
  ['a command in the title', {kind: 'execute', title: 'npm test', allow: ['bash:npm test*']}, true],
  [
    'another command than the title says',
    {kind: 'execute', title: 'npm test', command: 'rm x', allow: ['bash:npm test*']},
    false,
  ],
  ['fetching a page', {kind: 'fetch'}, false],
  ['fetching a page, allowed', {kind: 'fetch', allow: ['network']}, true],
  ['a tool of a server', {kind: 'other'}, false],
  ['a tool of a server, allowed', {kind: 'other', allow: ['mcp']}, true],
  ['another mode', {kind: 'switch_mode', allow: ['all']}, false],
])('%s', (_, what, expected) => {
  expect(granted(what)).toBe(expected);
});

test('a link inside leads no further than the folder', () => {
  const cwd = temporaryFolder('work');
  mkdirSync(join(cwd, 'real'));
  symlinkSync(tmpdir(), join(cwd, 'out'));
  symlinkSync(join(cwd, 'real'), join(cwd, 'in'));
  expect(granted({kind: 'edit', paths: ['out/x'], cwd})).toBe(false);
  expect(granted({kind: 'edit', paths: ['in/new/x'], cwd})).toBe(true);
});

test('it is granted for this once, and for always only when nothing else is on offer', () => {
  const call = {id: 'c', kind: 'think', title: '', paths: [], command: null};
  const request = {cwd: '/', allow: [], readOnly: false};
  const outcome = (options: typeof OPTIONS) => acpPermission({call, options, request}).outcome;
  expect(outcome(OPTIONS)).toEqual({outcome: 'selected', optionId: 'o'});
  expect(outcome(OPTIONS.slice(0, 1))).toEqual({outcome: 'selected', optionId: 'a'});
  expect(outcome(OPTIONS.slice(2))).toEqual({outcome: 'cancelled'});
});
