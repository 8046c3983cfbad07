import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {hasTerminals, Terminal} from '../edges/terminal.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';
import {startCli} from './start-cli.ts';

/** It says nothing of what it uses, so that each attempt counts as much as was reserved for it: 600 tokens. */
const AGENT = `
import {writeFileSync} from 'node:fs';
writeFileSync(process.argv[2].includes('one') ? 'one.txt' : 'two.txt', 'done\\n');
console.log('done');
`;
const PLAN = `
version: 1
name: dear
tasks:
  one: {prompt: write one}
  two: {prompt: write two, needs: [one]}
`;

async function project(): Promise<Rig> {
  const rig = await Rig.create({git: true, env: {GODEL_FIRST_TOKEN_ESTIMATE: '600'}});
  writeFileSync(join(rig.root, 'agent.mjs'), AGENT);
  writeFileSync(
    join(rig.folder, 'godel.config.yaml'),
    `runtimes:\n  mine:\n    command: ${JSON.stringify([process.execPath, join(rig.root, 'agent.mjs'), '{prompt}'])}\n`,
  );
  rig.writePlan(PLAN);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {cwd: rig.folder});
  git('add', '-A');
  git('commit', '-qm', 'Begin the thing');
  return rig;
}

const spawn = (what: string) => [
  ...['team', 'spawn', '--count', '1', '--runtime', 'mine', '--plan', 'godel.yaml'],
  ...['--budget-tokens', '1000', '--on-budget', what],
];

test('a team that pauses for its budget says what to do, and goes on with more', async () => {
  await using rig = await project();
  const cli = startCli(rig, spawn('pause'));
  await until('it stands still', async () => {
    const view = await rig.client().team('dear');
    return view.ok && view.value.state === 'paused';
  });
  expect((await rig.godel(['team', 'explain'])).stdout).toMatch(/^team dear {2}paused\n.*budget/m);
  for (const more of [[], ['--budget-tokens', '10']]) {
    const inVain = await rig.godel(['team', 'resume', ...more]);
    expect(inVain, inVain.stdout).toMatchObject({code: 2, stderr: expect.stringContaining('--budget-tokens N')});
  }
  const resumed = await rig.godel(['team', 'resume', '--budget-tokens', '5000', '--json']);
  expect(JSON.parse(resumed.stdout)).toMatchObject({state: 'running', budget: {limitTokens: 5000, limitUsd: null}});
  const ended = await cli.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(ended.stderr).toContain('godel team resume dear --budget-tokens N');
  expect(ended.stderr).not.toContain('spawn again');
});

test.skipIf(!hasTerminals())('asked at a terminal, the budget is doubled or the team ended', async () => {
  await using rig = await project();
  for (const [key, code] of [
    ['d', 0],
    ['e', 130],
  ] as const) {
    await using terminal = new Terminal(rig, [...spawn('ask'), '--name', `asks-${key}`], {columns: 160});
    await terminal.seen('Double its budget (d), end it (e), leave it standing (l), go on watching (g)?');
    terminal.press(key);
    expect(await terminal.exited, terminal.text).toBe(code);
    const view = await rig.client().team(`asks-${key}`);
    expect(view).toMatchObject({value: {state: key === 'd' ? 'succeeded' : 'killed'}});
  }
  expect(readFileSync(join(rig.folder, 'before'), 'utf8')).toBe(readFileSync(join(rig.folder, 'after'), 'utf8'));
});
