import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import type {ChaosResult} from '../../src/cli/chaos-text.ts';
import {startCli} from '../cli/start-cli.ts';
import {expectSameShape} from '../docs/same-shape.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const SETTINGS = {GODEL_RETRY_BASE: '20ms', GODEL_RETRY_MAX: '50ms', GODEL_KILL_GRACE: '200ms'};
const DOCUMENTED = JSON.parse(
  /```json\n(.*?)```/s.exec(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'chaos.md'), 'utf8'))![1]!,
) as unknown;

const PLAN = `
version: 1
name: broken
tasks:
  list: {run: 'seq 12', outputs: lines}
  work:
    needs: [list]
    foreach: \${{ tasks.list.output }}
    run: |
      sleep 0.1
      echo "\${{ item }}" >> done
    verify: grep -qx "$GODEL_ITEM" done
  data: {run: 'echo 1', outputs: json}
  bad: {run: 'exit 3', continue-on-error: true}
`;

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'godel-rig-tmp-'));
});

afterEach(() => rmSync(temporary, {recursive: true}));

async function rigWith(plan: string): Promise<Rig> {
  const rig = await Rig.create({env: {...SETTINGS, TMPDIR: temporary}});
  rig.writePlan(plan);
  return rig;
}

test('every fault is noticed for what it is, every task ends as it would have, and nothing is left', async () => {
  await using rig = await rigWith(PLAN);
  const args = [
    '--rate',
    '1',
    '--slow',
    '300ms',
    '--memory',
    '32MiB',
    '--silence',
    '1500ms',
    '--seed',
    '1',
    '--count',
    '12',
    '--json',
  ];
  const {code, stdout, stderr} = await rig.godel(['chaos', '--plan', 'godel.yaml', ...args]);
  const result = JSON.parse(stdout) as ChaosResult;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  expectSameShape(
    {...result, faults: result.faults.map(fault => ({...fault, noticed: {'command-failed': 1}}))},
    DOCUMENTED,
    'chaos',
  );
  const ways = Object.fromEntries(result.faults.map(({fault, noticed}) => [fault, Object.keys(noticed)]));
  expect(Object.keys(ways).toSorted()).toEqual(['crash', 'deaf', 'garbage', 'hang', 'oom', 'slow']);
  expect(ways['crash']).toEqual(['command-failed']);
  expect(ways['hang']).toEqual(['silent']);
  expect(ways['deaf']).toEqual(['silent']);
  expect(ways['oom']).toEqual(['memory-exceeded']);
  expect(ways['garbage']).toContain('verify-failed');
  expect(ways['slow']).toContain('succeeded');
  expect(result).toMatchObject({ok: true, troubles: [], processesLeft: []});
  expect(result.tasks).toEqual({total: 15, succeeded: 14, failed: 1, skipped: 0, cancelled: 0});
  expect(new Set(readFileSync(join(rig.folder, 'done'), 'utf8').trim().split('\n')).size).toBe(12);
  expect(readdirSync(temporary)).toEqual([]);
});

test('a task whose verify does not look at its work is told of', async () => {
  await using rig = await rigWith("version: 1\ntasks: {t: {run: 'touch made', verify: 'true'}}");
  const {code, stdout} = await rig.godel(['chaos', '--plan', 'godel.yaml', '--faults', 'garbage', '--rate', '1']);
  expect(code).toBe(1);
  expect(stdout).toContain('t: a fault was taken for success: its `verify` does not tell whether its work was done');
  expect(existsSync(join(rig.folder, 'made'))).toBe(false);
});

test('an interrupt ends the team, the faults and what they were played with', async () => {
  await using rig = await rigWith("version: 1\ntasks: {t: {run: 'touch made'}}");
  const cli = startCli(rig, ['chaos', '--plan', 'godel.yaml', '--faults', 'deaf', '--rate', '1', '--json=lines']);
  await until('the fault is played', () => cli.stdout().includes('attempt-leased'));
  cli.kill('SIGINT');
  const {code, stdout} = await cli.ended;
  expect(code).toBe(130);
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as ChaosResult;
  expect(result).toMatchObject({ok: false, processesLeft: [], tasks: {cancelled: 1}});
  expect(existsSync(join(rig.folder, 'made'))).toBe(false);
  expect(readdirSync(temporary)).toEqual([]);
});

test('a team that somebody else has ended has proven nothing', async () => {
  await using rig = await rigWith('version: 1\nname: cut\ntasks: {t: {run: sleep 60}}');
  const cli = startCli(rig, ['chaos', '--plan', 'godel.yaml', '--faults', 'slow', '--rate', '0.001']);
  await until('the task runs', async () => {
    const view = await rig.client().team('cut');
    return view.ok && view.value.tasks.running === 1;
  });
  await rig.godel(['team', 'kill', 'cut', '--yes']);
  const {code, stdout} = await cli.ended;
  expect(code).toBe(1);
  expect(stdout).toContain('The team was ended before its plan was over');
});

test('what cannot be broken, or is no fault, is refused before anything starts', async () => {
  await using rig = await rigWith('version: 1\ntasks: {p: {prompt: Do it}}');
  const prompts = await rig.godel(['chaos', '--plan', 'godel.yaml']);
  expect(prompts).toMatchObject({code: 2, stderr: expect.stringContaining('there is nothing to break') as unknown});
  const word = await rig.godel(['chaos', '--plan', 'godel.yaml', '--faults', 'crash,fire']);
  expect(word).toMatchObject({code: 2, stderr: expect.stringContaining('fire: there is no such fault') as unknown});
  for (const args of [
    ['--rate', '0'],
    ['--rate', '20'],
    ['--memory', '1KiB'],
    ['--seed', '-1'],
  ]) {
    expect((await rig.godel(['chaos', '--plan', 'godel.yaml', ...args])).code, args.join(' ')).toBe(2);
  }
  expect(rig.daemonPid()).toBeNull();
});
