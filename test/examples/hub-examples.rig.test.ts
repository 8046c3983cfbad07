import {execFile} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, expect, test} from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLES = join(REPOSITORY, 'examples');
const DEADLINE_MS = 90_000;

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-hub-examples-')));
});

afterAll(() => rmSync(folder, {recursive: true, force: true}));

function run(file: string, {args = [], env = {}}: {args?: readonly string[]; env?: Record<string, string>} = {}) {
  return new Promise<Ran>(resolve => {
    const options = {cwd: REPOSITORY, timeout: DEADLINE_MS, env: {PATH: process.env['PATH'], TMPDIR: folder, ...env}};
    execFile(process.execPath, [join(EXAMPLES, file), ...args], options, (error, stdout, stderr) => {
      resolve({code: error === null ? 0 : (error.code ?? null), stdout, stderr});
    });
  });
}

const USD = String.raw`\d+\.\d{5} USD`;

const RUNS = {
  'ephemeral-generations/generations.mjs': {
    env: {AGENTS: '60', GENERATIONS: '5', AT_ONCE: '10'},
    prints: [
      /^generation 1: 12 agents, files packed to [\d.]+ % on average$/m,
      /^generation 5: 12 agents/m,
      /^60 agents lived [\d.]+ agent-seconds within [\d.]+ s$/m,
      new RegExp(`^at 0\\.08 USD per agent-hour: ${USD}$`, 'm'),
      new RegExp(`^60 agents kept alive all the while: ${USD}, \\d+ times as much$`, 'm'),
      /^ok: from [\d.]+ % to [\d.]+ %; any way for any file would be [\d.]+ %$/m,
    ],
  },
  'research-team/research.mjs': {
    args: ['What happens to the work when a daemon is killed?', 'docs'],
    env: {PASSAGES: '3'},
    prints: [
      /^# What happens to the work when a daemon is killed\?$/m,
      /^> .+/m,
      /^[\w-]+\.md:\d+$/m,
      /^ok: 3 findings/m,
    ],
  },
  'live-memory-sync/sync.mjs': {
    args: ['4'],
    env: {MEMORIES: '10'},
    prints: [
      /^4 agents stored 40 memories and heard 120 times of one$/m,
      /^from storing one to hearing of it: p50 [\d.]+ ms, p99 [\d.]+ ms$/m,
      /^ok: each heard once/m,
    ],
  },
  'joint-debugging/debugging.mjs': {
    args: ['6'],
    prints: [/^stuck: sorting numbers gives the wrong order$/m, /^ok: helper-[15] had the cure, the script passes/m],
  },
  'scale-at-80-percent/scale.mjs': {
    args: ['30'],
    env: {MAX: '5'},
    prints: [
      /^2 of 2 agents are busy: 2 more$/m,
      /^worker-\d is idle and there is nothing to do: 2 stay$/m,
      /^ok: 30 tasks, from 2 to [45] agents and back$/m,
    ],
  },
} satisfies Record<string, {args?: readonly string[]; env?: Record<string, string>; prints: readonly RegExp[]}>;

test.each(Object.entries(RUNS))(
  '%s runs to its end, holds, and leaves nothing behind',
  async (file, {prints, ...how}) => {
    const {code, stdout, stderr} = await run(file, how);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    for (const line of prints) expect(stdout).toMatch(line);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test.each([
  ['ephemeral-generations/generations.mjs', {args: ['20']}, 'AGENTS must be at least ten times GENERATIONS'],
  ['research-team/research.mjs', {args: ['xyzzy', 'docs']}, 'searcher has found something: xyzzy'],
  ['joint-debugging/debugging.mjs', {args: ['1']}, 'AGENTS must be at least 2'],
  ['scale-at-80-percent/scale.mjs', {args: ['12'], env: {MAX: '2'}}, 'MAX above MIN'],
])('%s exits with an error when something does not hold', async (file, how, why) => {
  const {code, stdout, stderr} = await run(file, how);
  expect(code).toBe(1);
  expect(stderr).toContain(why);
  expect(stdout).not.toMatch(/^ok/m);
  expect(readdirSync(folder)).toEqual([]);
});

test('every example is on the list, and each that is a program is run here', () => {
  const list = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
  const folders = readdirSync(EXAMPLES).filter(name => name !== 'README.md');
  for (const name of folders) expect(list).toContain(`[${name}](${name}`);
  const commands = [...list.matchAll(/^node examples\/(\S+)/gm)].map(match => match[1]);
  expect(commands.toSorted()).toEqual(Object.keys(RUNS).toSorted());
  expect(folders.length).toBe(commands.length + 1);
  for (const file of commands) {
    const page = join(EXAMPLES, file!.replace(/\/.*/, '/README.md'));
    expect(existsSync(page)).toBe(true);
    expect(readFileSync(page, 'utf8')).toContain(`node examples/${file}`);
  }
});
