import {existsSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {TeamResult} from '../../src/cli/team-result.ts';
import {teamFolder} from '../../src/project/project-paths.ts';
import {type CliResult, Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

const GRACE_MS = 1000;
let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create({env: {GODEL_KILL_GRACE: `${GRACE_MS}ms`, GODEL_LOG_CAP: '1MiB', GODEL_OUTPUT_CAP: '1MiB'}});
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

type Task = Readonly<Record<string, unknown>>;

/** Spawns a team of these tasks from the command line and waits for its end. */
async function runTeam(name: string, tasks: Readonly<Record<string, Task>>): Promise<CliResult & {result: TeamResult}> {
  const file = join(rig.folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({version: 1, tasks}));
  const count = String(Math.min(16, Object.keys(tasks).length));
  const answer = await rig.godel(['team', 'spawn', '--name', name, '--count', count, '--plan', file, '--json']);
  return {...answer, result: JSON.parse(answer.stdout) as TeamResult};
}

async function teamFolderOf(name: string): Promise<string> {
  const view = await rig.client().team(name);
  if (!view.ok) throw new Error(`there is no team ${name}`);
  return teamFolder(rig.paths, view.value.teamId);
}

/** Processes of the rig's tasks; the rig's own are of node. */
function runningTasks(): readonly string[] {
  return processesOf(rig.root).flatMap(({command}) => (/\bnode\b/.test(command) ? [] : [command]));
}

test('each way in which a command can fail has its sentence, and the team exits with 1', async () => {
  writeFileSync(join(rig.folder, 'a-file'), '');
  const tasks: Record<string, Task> = {
    'code 255': {run: 'echo the last words; exit 255'},
    'not found': {run: 'no-such-program --flag'},
    'not found in a script': {run: 'cd .; no-such-program --flag'},
    'not executable': {run: './a-file'},
    killed: {run: 'kill -KILL $$'},
    'kills its group': {run: 'echo bye; kill -TERM 0; sleep 60'},
    segfault: {run: 'kill -SEGV $$'},
    'no folder': {run: 'true', 'working-directory': 'not here/at all'},
    'folder is a file': {run: 'true', 'working-directory': 'a-file'},
    'no json': {run: 'echo one moment please; echo "[1]"', outputs: 'json'},
    'nothing for json': {run: 'true', outputs: 'json'},
    'two values': {run: "echo '[1] [2]'", outputs: 'json'},
    'too much output': {run: 'head -c 2000000 /dev/zero; sleep 60', outputs: 'text'},
    'runs on': {run: 'echo still here; sleep 60', timeout: '500ms'},
    unverified: {run: 'true', verify: 'echo not yet; exit 3'},
    'verify runs on': {run: 'true', verify: 'sleep 60', timeout: '500ms'},
  };
  const {code, stderr, result} = await runTeam('failing', tasks);
  const texts = Object.fromEntries(result.failures.map(({task, text}) => [task, text]));
  const timedOut =
    'It ran longer than its timeout of 500 ms and was stopped. Raise `timeout` in the plan if it needs more.';
  expect(texts).toEqual({
    'code 255': 'Its command exited with code 255: the last words',
    'not found': 'Its command exited with code 127: [godel: no-such-program: command not found]',
    'not found in a script': expect.stringMatching(
      /^Its command exited with code 127: .*no-such-program: (command )?not found$/,
    ),
    'not executable': expect.stringMatching(/^Its command exited with code 126: .*a-file: [Pp]ermission denied\]?$/),
    killed: 'Its command was ended by SIGKILL without printing anything.',
    'kills its group': 'Its command was ended by SIGTERM: bye',
    segfault: 'Its command was ended by SIGSEGV without printing anything.',
    'no folder': `Its command could not be started (ENOENT): the working directory ${rig.folder}/not here/at all does not exist or cannot be entered. Check \`working-directory\` and that the shell exists.`,
    'folder is a file': expect.stringContaining(`the working directory ${rig.folder}/a-file is a file.`),
    'no json': expect.stringMatching(
      /^It succeeded but its standard output is not JSON as `outputs: json` promises: .*it begins with "one moment please.*Print only the value there, and messages on standard error\.$/,
    ),
    'nothing for json': expect.stringContaining('promises: nothing was printed. Print only the value there'),
    'two values': expect.stringContaining('it begins with "[1] [2]'),
    'too much output': expect.stringMatching(/^Its output is larger than 1 MiB\. .*`output-cap`/),
    'runs on': timedOut,
    unverified: 'Its verify command exited with code 3: not yet',
    'verify runs on': timedOut,
  });
  expect({code, stderr}).toMatchObject({code: 1});
  expect(result).toMatchObject({state: 'failed', tasks: {total: 16, failed: 16, succeeded: 0}});
  expect(runningTasks()).toEqual([]);
});

test('a task that prints 1 GB, binary, or to nobody succeeds, within the space its log may take', async () => {
  const everyByte = join(rig.folder, 'every-byte');
  writeFileSync(everyByte, Buffer.from(Array.from({length: 256}, (_, index) => index)));
  const {code, result} = await runTeam('printing', {
    gigabyte: {run: 'head -c 1000000000 /dev/zero'},
    binary: {run: 'cat every-byte'},
    colourful: {run: "printf '\\033]0;title\\007\\033[2J\\033[31mred\\033[0m'; exit 0"},
    deaf: {run: 'exec >&- 2>&-; sleep 0.1'},
    echo: {needs: ['binary'], run: 'cat every-byte', outputs: 'text'},
    hungry: {run: 'cat; echo end of input'},
  });
  expect({code, ...result}).toMatchObject({code: 0, state: 'succeeded', tasks: {total: 6, succeeded: 6}, attempts: 6});
  const folder = await teamFolderOf('printing');
  const {value: log} = (await rig
    .client()
    .log('printing', {task: 'gigabyte', offset: 1_048_576 - 10, length: 10_000})) as {
    value: {data: Uint8Array; size: number};
  };
  expect(Buffer.from(log.data).toString('latin1')).toBe(
    `${'\0'.repeat(10)}\n[godel: log cut here: it reached its limit of 1048576 bytes]\n`,
  );
  expect(log.size).toBeLessThan(1_048_576 + 100);
  const binary = (await rig.client().log('printing', {task: 'binary'})) as {value: {data: Uint8Array}};
  expect(Buffer.from(binary.value.data)).toEqual(readFileSync(everyByte));
  expect(readFileSync(join(folder, 'outputs', 'echo.txt'))).toEqual(readFileSync(everyByte));
  expect((await rig.godel(['team', 'logs', 'printing', 'deaf'])).code).toBe(0);
});

test('what a task leaves behind in a session of its own is ended with it', async () => {
  const {code, result} = await runTeam('leaving', {
    quiet: {run: 'setsid sleep 601 >/dev/null 2>&1 </dev/null &'},
    // Holds the output open: the task is over when its command is.
    loud: {run: 'setsid sleep 602 &'},
    stubborn: {run: 'setsid sh -c "trap \'\' TERM HUP; while :; do sleep 0.1; done" >/dev/null 2>&1 &'},
    nested: {run: 'setsid sh -c "setsid sleep 603 & setsid sleep 604 &" &'},
    sibling: {run: 'sleep 605 & exit 0'},
  });
  expect({code, ...result}).toMatchObject({code: 0, state: 'succeeded', tasks: {succeeded: 5}});
  await until('nothing is left of it', () => runningTasks().length === 0, {withinMs: GRACE_MS + 10_000});
});

test('a team that will not end is ended: asked, and after the grace killed', async () => {
  const file = join(rig.folder, 'stubborn.json');
  const deaf = "trap 'echo heard >> heard' TERM; echo ready >> ready; while :; do sleep 0.05; done";
  const tasks = {
    deaf: {run: deaf, retries: 3},
    stopped: {run: 'echo ready >> ready; kill -STOP $$', retries: 3},
    daemon: {run: `setsid sh -c "trap '' TERM; echo ready >> ready; while :; do sleep 0.05; done" & ${deaf}`},
    late: {needs: ['deaf'], if: 'always()', run: 'echo late >> late'},
  };
  writeFileSync(file, JSON.stringify({version: 1, tasks}));
  const spawned = await rig.godel(['team', 'spawn', '--name', 'stubborn', '--count', '4', '--plan', file, '--detach']);
  expect(spawned.code).toBe(0);
  const lines = (name: string) => {
    const path = join(rig.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  };
  await until('all are at work', () => lines('ready').length === 4);
  const before = performance.now();
  const killed = await rig.godel(['team', 'kill', 'stubborn']);
  const tookMs = performance.now() - before;
  expect(killed).toMatchObject({
    code: 0,
    stdout: 'Team stubborn is ended (killed); nothing of it runs any more.\n',
    stderr: '',
  });
  expect(runningTasks()).toEqual([]);
  expect(tookMs).toBeGreaterThanOrEqual(GRACE_MS);
  expect(tookMs).toBeLessThan(GRACE_MS + 10_000);
  expect(lines('heard').length).toBeGreaterThanOrEqual(2);
  expect(lines('late')).toEqual([]);
  const waited = await rig.godel(['team', 'wait', 'stubborn', '--json']);
  expect({code: waited.code, ...(JSON.parse(waited.stdout) as TeamResult)}).toMatchObject({
    code: 1,
    state: 'killed',
    tasks: {total: 4, cancelled: 4},
    attempts: 3,
  });
});

test('what a task is handed is handed on unchanged, whatever it does to its copy', async () => {
  const {code, result} = await runTeam('inputs', {
    list: {run: 'echo original', outputs: 'text'},
    modes: {run: 'ls -ld "$GODEL_INPUTS" | cut -c 1-10', outputs: 'text'},
    many: {foreach: ['x', '.y'], run: 'echo "$GODEL_ITEM"', outputs: 'text'},
    vandal: {
      needs: ['list', 'many'],
      run: 'echo note > "$GODEL_INPUTS/own"; rm "$GODEL_INPUTS/list.txt"; echo fake > "$GODEL_INPUTS/list.txt"; rm -rf "$GODEL_INPUTS"/many',
    },
    reader: {
      needs: ['list', 'many', 'vandal'],
      run: 'cat "$GODEL_INPUTS/list.txt" "$GODEL_INPUTS"/many/*; ls "$GODEL_INPUTS"',
      outputs: 'lines',
    },
  });
  expect({code, ...result}).toMatchObject({code: 0, state: 'succeeded'});
  const outputs = join(await teamFolderOf('inputs'), 'outputs');
  expect(readFileSync(join(outputs, 'reader.txt'), 'utf8')).toBe('original\n.y\nx\nlist.txt\nmany\n');
  // Nothing that others are handed can be written by mistake (root can write anything).
  expect(readFileSync(join(outputs, 'list.txt'), 'utf8')).toBe('original\n');
  expect(readFileSync(join(outputs, 'modes.txt'), 'utf8')).toBe('dr-x------\n');
  expect(statSync(join(outputs, 'list.txt')).mode & 0o777).toBe(0o400);
});
