import {spawnSync} from 'node:child_process';
import {closeSync, existsSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';
import {startCli} from './start-cli.ts';

const PLAN = `
version: 1
name: demo
defaults: {retries: 0}
tasks:
  list: {run: "seq 1 6", outputs: lines}
  work: {needs: [list], foreach: "\${{ tasks.list.output }}", run: 'echo "item $GODEL_ITEM"; test $GODEL_ITEM != 3'}
  end:  {needs: [work], if: always(), run: echo the end}
`;

const SLOW = `
version: 1
name: slow
tasks:
  a: {run: "echo started; sleep 300"}
`;

interface Result {
  readonly team: string;
  readonly state: string;
  readonly tasks: Record<string, number>;
}

const parse = (text: string) => JSON.parse(text) as Result;

test('a spawn with a plan shows progress on stderr, its summary on stdout, and exits by the outcome', async () => {
  await using rig = await Rig.create();
  rig.writePlan(PLAN);
  const {code, stdout, stderr} = await rig.godel(['team', 'spawn', '--count', '3', '--plan', 'godel.yaml']);
  expect(code, stderr).toBe(1);
  expect(stderr).toContain('failed work[3]: Its command exited with code 1: item 3');
  expect(stdout).toMatch(/^Team demo failed after .*: 8 tasks, 7 succeeded, 1 failed\.$/m);
  expect(stdout).toMatch(/8 attempts \(0 retried\), \S+ of 3 agents busy on average, CPU /);
  const again = await rig.godel(['team', 'wait', '--json']);
  expect(again.code).toBe(1);
  expect(parse(again.stdout)).toMatchObject({team: 'demo', tasks: {total: 8, succeeded: 7, failed: 1}});
});

test('--json=lines streams every event once and in order, then the result', async () => {
  await using rig = await Rig.create();
  rig.writePlan(PLAN);
  const {stdout} = await rig.godel(['team', 'spawn', '--count', '3', '--plan', 'godel.yaml', '--json=lines']);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as {seq?: number; body?: {type: string}});
  const events = lines.slice(0, -1);
  expect(events.map(event => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events[0]?.body?.type).toBe('team-spawned');
  expect(events.at(-1)?.body?.type).toBe('team-finished');
  expect(lines.at(-1)).toMatchObject({v: 1, team: 'demo', state: 'failed'});
});

test('--each makes one task of each line, and a line is data however it looks', async () => {
  await using rig = await Rig.create();
  const input = 'plain\nwith space\n$(touch pwned)\n\n"; touch pwned; "\n';
  const {code, stdout} = await rig.godel(['team', 'spawn', '--count', '2', '--each', 'printf "%s\\n" {}', '--json'], {
    input,
  });
  expect(code).toBe(0);
  expect(parse(stdout).tasks).toMatchObject({total: 4, succeeded: 4});
  expect(existsSync(join(rig.folder, 'pwned'))).toBe(false);
  const logs = await rig.godel(['team', 'logs']);
  expect(logs.stdout).toContain('$(touch pwned)');
  expect((await rig.godel(['team', 'spawn', '--count', '2', '--each', 'echo {}'])).code).toBe(2);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('without a terminal %s ends the team and the command says so with %i', async (signal, code) => {
  await using rig = await Rig.create();
  rig.writePlan(SLOW);
  const cli = startCli(rig, ['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', '--json']);
  await taskRuns(rig, 'slow');
  cli.kill(signal);
  const ended = await cli.ended;
  expect(ended.code, ended.stderr).toBe(code);
  expect(parse(ended.stdout)).toMatchObject({team: 'slow', state: 'killed', tasks: {cancelled: 1}});
});

test('a detached team goes on by itself, and is found, watched, ended and removed by name or without', async () => {
  await using rig = await Rig.create();
  rig.writePlan(SLOW);
  const spawned = await rig.godel(['team', 'spawn', '--count', '2', '--plan', 'godel.yaml', '--detach']);
  expect(spawned.code).toBe(0);
  expect(spawned.stdout).toContain('2 of 2 agents ready');
  expect(spawned.stdout).toContain('godel team status slow');
  await taskRuns(rig, 'slow');
  expect((await rig.godel(['team', 'status'])).stdout).toMatch(/^RUNNING +AGENT/m);
  expect((await rig.godel(['team', 'rm', 'slow'])).stderr).toContain('End it first with `godel team kill slow`.');
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(2);
  const killed = await rig.godel(['team', 'kill']);
  expect(killed.stdout).toBe('Team slow is ended (killed); nothing of it runs any more.\n');
  expect((await rig.godel(['team', 'rm', 'slow'])).code).toBe(0);
  expect((await rig.godel(['team', 'list', '--json'])).stdout).toBe('{"v":1,"teams":[]}\n');
});

test('without a plan the agents are ready and idle, and with two such teams a name is needed', async () => {
  await using rig = await Rig.create();
  const {code, stdout} = await rig.godel(['team', 'spawn', '--count', '3', '--name', 'one']);
  expect(code).toBe(0);
  expect(stdout).toContain('Team one: 3 of 3 agents ready.');
  expect(stdout).toContain('They are idle');
  await rig.godel(['team', 'spawn', '--count', '1', '--name', 'two']);
  const status = await rig.godel(['team', 'status']);
  expect(status).toMatchObject({
    code: 2,
    stderr: 'godel: Which team? There are "one" and "two". Give the name of one.\n',
  });
  expect((await rig.godel(['team', 'spawn', '--count', '1', '--name', 'two'])).stderr).toContain(
    'There is already a team "two"',
  );
  const killed = await rig.godel(['team', 'kill', '--all', '--json']);
  expect((JSON.parse(killed.stdout) as {teams: Result[]}).teams.map(({team}) => team)).toEqual(['one', 'two']);
});

test('an attached spawn outlives the daemon', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\nname: long\ntasks:\n  a: {run: "echo go; until test -e stop; do sleep 0.05; done"}\n');
  const cli = startCli(rig, ['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', '--json']);
  await taskRuns(rig, 'long');
  const pid = rig.daemonPid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await until('another daemon runs', () => (rig.daemonPid() ?? pid) !== pid);
  writeFileSync(join(rig.folder, 'stop'), '');
  const ended = await cli.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(parse(ended.stdout)).toMatchObject({team: 'long', state: 'succeeded', tasks: {succeeded: 1}});
});

test('logs of one task are its bytes, of all tasks are under headers, and are followed to the end', async () => {
  await using rig = await Rig.create();
  rig.writePlan(`
version: 1
name: talk
tasks:
  a: {run: "printf 'one\\\\n\\\\377\\\\000two'"}
  b: {needs: [a], run: "echo from b; until test -e go; do sleep 0.05; done; echo rest of b"}
`);
  await rig.godel(['team', 'spawn', '--count', '2', '--plan', 'godel.yaml', '--detach']);
  const follow = startCli(rig, ['team', 'logs', '--follow']);
  await until('b is followed', () => follow.stdout().includes('b | from b'));
  writeFileSync(join(rig.folder, 'go'), '');
  expect((await follow.ended).stdout).toContain('b | rest of b');
  await rig.godel(['team', 'wait']);
  expect((await rig.godel(['team', 'logs', 'talk', 'b'])).stdout).toBe('from b\nrest of b\n');
  expect((await rig.godel(['team', 'logs'])).stdout).toMatch(
    /^=== a \(attempt 1\)\none\n[^\n]*two\n=== b \(attempt 1\)\nfrom b\n/,
  );
  expect((await rig.godel(['team', 'logs', 'talk', 'bb'])).code).toBe(2);
});

test('a name with spaces is quoted where it is to be copied, and --set that comes too late is said', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\nname: my plan\ntasks: {a: {run: echo hi}}\n');
  const spawned = await rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', '--set', 'kill-grace=1s']);
  expect(spawned).toMatchObject({code: 0});
  // On a slow machine it says how far it is, too.
  expect(spawned.stderr).not.toContain('--set');
  expect(spawned.stdout).toContain("godel team logs 'my plan' [TASK]");
  const late = await rig.godel(['daemon', 'start', '--set', 'kill-grace=2s']);
  expect(late.stderr).toContain('so --set kill-grace does not reach it. After `godel daemon stop`');
  const both = await rig.godel(['team', 'wait', 'my plan', '--json']);
  expect(parse(both.stdout)).toMatchObject({team: 'my plan', state: 'succeeded'});
});

test('a failure stands once where both outputs go to one place', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\ntasks: {a: {run: echo no luck; exit 3}}\n');
  const file = join(rig.folder, 'both.txt');
  const descriptor = openSync(file, 'w');
  const program = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');
  const args = [program, 'team', 'spawn', '--count', '1', '--plan', 'godel.yaml'];
  spawnSync(process.execPath, args, {cwd: rig.folder, env: rig.env, stdio: ['ignore', descriptor, descriptor]});
  closeSync(descriptor);
  expect(readFileSync(file, 'utf8').match(/no luck/g)).toHaveLength(1);
});

test('a foreach stands for its instances, and following misses none, however quick', async () => {
  await using rig = await Rig.create();
  const items = Array.from({length: 40}, (_, index) => `i${index}`);
  rig.writePlan(`
version: 1
name: quick
tasks:
  first: {run: "until test -e go; do sleep 0.05; done"}
  each: {needs: [first], foreach: [${items.join(', ')}], run: 'echo "saw $GODEL_ITEM"'}
  never: {needs: [each], if: failure(), run: echo never}
`);
  await rig.godel(['team', 'spawn', '--count', '2', '--plan', 'godel.yaml', '--detach']);
  const all = startCli(rig, ['team', 'logs', '--follow']);
  const group = startCli(rig, ['team', 'logs', 'quick', 'each', '--follow']);
  await taskRuns(rig, 'quick', {withOutput: false});
  writeFileSync(join(rig.folder, 'go'), '');
  const expected = items.map(item => `each[${item}] | saw ${item}`).sort();
  expect((await all.ended).stdout.trim().split('\n').sort()).toEqual(expected);
  expect((await group.ended).stdout.trim().split('\n').sort()).toEqual(expected);
  const after = await rig.godel(['team', 'logs', 'quick', 'each', '--last', '39']);
  expect(after.stdout.match(/^=== each\[i\d+\] \(attempt 1\)\nsaw i\d+$/gm)).toHaveLength(39);
  expect(after.stderr).toBe('1 earlier attempt is left out; --last 40 shows all.\n');
  expect(await rig.godel(['team', 'logs', 'quick', 'never'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'Task never has printed nothing: no attempt of it was started (skipped).\n',
  });
});

test('a reader that goes away ends the output quietly', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\nname: loud\ntasks:\n  a: {run: seq 1 200000}\n');
  await rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml']);
  const cli = startCli(rig, ['team', 'logs', 'loud', 'a']);
  cli.closeStdout();
  const ended = await cli.ended;
  expect(ended).toMatchObject({code: 0, stderr: ''});
});

async function taskRuns(rig: Rig, team: string, {withOutput = true} = {}): Promise<void> {
  const client = rig.client();
  await until(`a task of ${team} runs`, async () => {
    const view = await client.team(team);
    return view.ok && view.value.running.some(({lastLine}) => !withOutput || lastLine !== null);
  });
}
