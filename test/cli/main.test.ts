import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {runCli} from './fake-world.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'godel-cli-'));
});
afterEach(() => rmSync(cwd, {recursive: true}));

const run = (...args: string[]) => runCli(args, {cwd, env: {HOME: cwd, XDG_CONFIG_HOME: path.join(cwd, 'config')}});

test.each([
  [['taem'], "unknown command 'taem'. Did you mean team?"],
  [['team', 'sapwn'], "unknown command 'sapwn'. Did you mean spawn?"],
  [['team', 'spawn', '--cuont', '3'], "unknown option '--cuont'. Did you mean --count?"],
  [['team', 'rm'], "missing required argument 'name'. See `godel team rm --help`."],
  [['frob'], "unknown command 'frob'. See `godel --help`."],
  [['team', 'spawn', '--count', '2', '--name', '-x'], '--name is "-x", but must be a line of up to 100 characters'],
  [['team', 'kill', 'audit', '--all'], 'NAME and --all exclude each other. Give one of them.'],
  [
    ['status'],
    "unknown command 'status'. Did you mean `godel team status` or `godel daemon status` or `godel hub status`?",
  ],
  [['team', 'list', 'extra'], 'too many arguments'],
  [['team', 'spawn'], '--count is missing. Say how many agents'],
  [
    ['team', 'spawn', '--count', '2', '--max-failures', '0'],
    '--max-failures is "0", but must be a whole number, at least 1.',
  ],
  [['team', 'spawn', '--count', '2', '--timeout', '10'], '--timeout is "10", but must be a duration with its unit'],
  [['team', 'spawn', '--count', '2', '--timeout', '0s'], '--timeout is "0s", but must be more than 0, for example 30s'],
  [
    ['team', 'scale', 'w', '--scale-up-threshold', '1000001'],
    '--scale-up-threshold is "1000001", but must be a whole number from 0 to 1000000',
  ],
  [['team', 'retry', 'w', ''], 'TASK is empty'],
  [['team', 'explain', 'w', ''], 'TASK or AGENT is empty'],
  [['doctor', '--yes'], '--yes is for --fix. Add --fix to end what is left, or leave --yes out.'],
  [['team', 'list', '--set', 'x'], '--set x: a key and a value are expected'],
  [['team', 'list', '--project', 'nowhere'], '--project nowhere: there is no such folder.'],
  [
    ['plan', '- [ ] a\n- b'],
    'a text that begins with a dash was taken for an option. Put `--` before it: `godel plan -- TEXT`.',
  ],
  [['plan', 'a', '-o', 'nowhere/plan.yaml'], '-o nowhere/plan.yaml: there is no folder '],
  [
    ['team', 'spawn', '--runtime', 'claud:3'],
    '--runtime names the runtime claud, which does not exist. Did you mean "claude"?',
  ],
  [
    ['team', 'spawn', '--runtime', 'frob:3'],
    'There are claude, codex, gemini, opencode, pi; others are added in the configuration',
  ],
  [['team', 'spawn', '--count', '2', '--budget', '0'], '--budget is "0", but must be a number greater than 0'],
  [['team', 'spawn', '--count', '2', '--budget', '1e99'], '--budget is "1e99", but must be a number greater than 0'],
  [['--json=yaml', 'version'], '--json=yaml: there is no such form'],
])('%j is wrong usage, said in one sentence, exit 2', async (args, text) => {
  const {code, stdout, stderr} = await run(...args);
  expect({code, said: (stdout + stderr).includes(text)}, stdout + stderr).toEqual({code: 2, said: true});
});

test.each(['0', '-1', 'abc', '1e9', '1001', '', '1.5'])(
  '--count %j is refused with the limit and its reason',
  async count => {
    const {code, stderr} = await run('team', 'spawn', '--count', count);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `--count is "${count}", but must be a whole number from 1 to 1000 (max-agents is 1000 by default and at most 10000; every agent`,
    );
  },
);

test('the limit of --count follows the setting and says where it comes from', async () => {
  const {stderr} = await run('team', 'spawn', '--count', '9', '--set', 'max-agents=8');
  expect(stderr).toContain('from 1 to 8 (max-agents is 8 from --set max-agents and at most 10000;');
});

test('with --json an error is the one value on stdout and nothing else is printed', async () => {
  const {code, stdout, stderr} = await run('team', 'status', 'ghost', '--json');
  expect(code).toBe(2);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    error: {reason: 'team-not-found', name: 'ghost', known: []},
    text: 'There is no team "ghost". There are no teams in this project.',
  });
});

test('an invalid plan is reported with every place before any daemon is started', async () => {
  writeFileSync(path.join(cwd, 'p.yaml'), 'version: 1\ntasks:\n  a: {rnu: x}\n  b: {run: x, needs: [c]}\n');
  const {code, stderr} = await run('team', 'spawn', '--count', '2', '--plan', path.join(cwd, 'p.yaml'));
  expect(code).toBe(2);
  expect(stderr).toMatch(/p\.yaml:3:\d+: .*rnu/);
  expect(stderr).toMatch(/p\.yaml:4:\d+: .*"?c"?/);
  expect(existsSync(path.join(cwd, '.godel'))).toBe(false);
});

test('asking in a folder without teams starts nothing and leaves nothing', async () => {
  expect(await run('team', 'list', '--json')).toMatchObject({code: 0, stdout: '{"v":1,"teams":[]}\n'});
  expect(await run('team', 'kill', '--all', '--json')).toMatchObject({code: 0, stdout: '{"v":1,"teams":[]}\n'});
  expect((await run('team', 'status')).code).toBe(2);
  expect((await run('daemon', 'status')).code).toBe(5);
  expect((await run('daemon', 'stop', '--json')).stdout).toBe('{"v":1,"stopped":false,"teams":[]}\n');
  expect(existsSync(path.join(cwd, '.godel'))).toBe(false);
});

test('a missing command shows the help on stderr and exits 2; --help shows it on stdout and exits 0', async () => {
  const missing = await run('team');
  expect(missing).toMatchObject({code: 2, stdout: ''});
  expect(missing.stderr).toContain('Usage: godel team');
  const asked = await run('team', 'spawn', '--help');
  expect(asked).toMatchObject({code: 0, stderr: ''});
  expect(asked.stdout).toContain('Examples:');
  expect((await run('team', '--json')).stdout).toContain('a command is missing');
});

test('config show says the value and the source of every setting', async () => {
  writeFileSync(path.join(cwd, 'godel.config.yaml'), 'max-agents: 12\n');
  const {code, stdout} = await run('config', 'show', '--json');
  const {settings} = JSON.parse(stdout) as {settings: Record<string, unknown>};
  expect(code).toBe(0);
  expect(settings['max-agents']).toEqual({value: 12, text: '12', from: path.join(cwd, 'godel.config.yaml:1')});
  expect(settings['retry-base']).toEqual({value: 1000, text: '1s', from: 'default'});
});

test('a wrong config file ends the command that needs it with its place', async () => {
  writeFileSync(path.join(cwd, 'godel.config.yaml'), 'max-agent: 12\n');
  const {code, stderr} = await run('team', 'spawn', '--count', '2');
  expect(code).toBe(2);
  expect(stderr).toContain('godel.config.yaml:1:1: unknown setting "max-agent"');
  expect(stderr).toContain('Did you mean "max-agents"?');
});

test('the version is there by every name people try', async () => {
  for (const args of [['version'], ['--version'], ['-V']]) expect((await run(...args)).stdout).toMatch(/^godel \d/);
});

test('--json may stand anywhere before -- and never takes the word after it', async () => {
  for (const args of [
    ['--json', 'version'],
    ['version', '--json'],
  ])
    expect((await run(...args)).stdout).toMatch(/^\{"v":1/);
  expect((await run('team', 'status', '--json', 'ghost')).stdout).toContain('ghost');
});
