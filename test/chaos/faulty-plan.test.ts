import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {type FaultChoice, FAULTS, MAX_FAULTS_OF_A_TASK} from '../../src/chaos/fault.ts';
import {faultyPlan} from '../../src/chaos/faulty-plan.ts';
import {readLedger} from '../../src/chaos/ledger.ts';
import {checkDocument} from '../../src/plan/check-document.ts';

const CHOICE: FaultChoice = {
  faults: FAULTS,
  rate: 1,
  seed: 7,
  silenceMs: 2500,
  memoryBytes: 64 * 2 ** 20,
  slowMs: 100,
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "godel chaos's "));
});

afterEach(() => rmSync(folder, {recursive: true}));

function faulty(document: object, choice: Partial<FaultChoice> = {}) {
  const {plan, problems} = checkDocument(document);
  if (!plan) throw new Error(problems.errors[0]?.message);
  const made = faultyPlan({document, plan}, {...CHOICE, ...choice}, folder);
  writeFileSync(made.scriptFile, made.script);
  return made;
}

/** The task `t` of a faulty plan as it was checked again, as the daemon does it. */
function taskOf(document: object, choice: Partial<FaultChoice> = {}) {
  const again = checkDocument(faulty(document, choice).document);
  const task = again.plan?.tasks.find(({id}) => id === 't');
  if (task?.run === undefined) throw new Error(again.problems.errors[0]?.message ?? 'there is no task t');
  return task;
}

describe('the plan', () => {
  test('has the limits and retries that faults need, and otherwise its own', () => {
    const plain = taskOf({version: 1, tasks: {t: {run: 'true'}}});
    expect(plain).toMatchObject({retries: MAX_FAULTS_OF_A_TASK, limits: {memoryBytes: 64 * 2 ** 20, silenceMs: 2500}});
    const own = {run: 'true', retries: 2, silence: '9s', limits: {memory: '1GiB', nice: 3}};
    expect(taskOf({version: 1, tasks: {t: own}})).toMatchObject({
      retries: 2 + MAX_FAULTS_OF_A_TASK,
      limits: {memoryBytes: 2 ** 30, silenceMs: 9000, nice: 3},
    });
    const defaults = {retries: 1, silence: '8s', limits: {memory: '2GiB'}};
    const limits = {output: '1GiB', nice: 2};
    expect(taskOf({version: 1, defaults, tasks: {t: {run: 'true', limits}}})).toMatchObject({
      retries: 1 + MAX_FAULTS_OF_A_TASK,
      limits: {memoryBytes: 2 ** 31, silenceMs: 8000, nice: 2},
    });
  });

  test('keeps its expressions and its prompts', () => {
    const tasks = {t: {foreach: ['a b'], run: "echo 'x ${{ item }}'"}, p: {prompt: 'Do it', retries: 1}};
    const made = faulty({version: 1, tasks});
    expect(made).toMatchObject({commands: 1, prompts: 1});
    expect((made.document as {tasks: Record<string, unknown>}).tasks['p']).toEqual(tasks.p);
    expect(taskOf({version: 1, tasks}).expressions).toEqual({GODEL_EXPR_1: [{item: []}]});
  });
});

interface Ran {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
}

/** Runs a script as an attempt of a task: in a process group of its own. */
function attempt(shell: string, script: string, {task = 't', number = 1, id = 1} = {}): Ran {
  const env = {...process.env, GODEL_TASK_ID: task, GODEL_ATTEMPT: String(number), GODEL_COOKIE: `store.${id}`};
  const launch = `const r = require('child_process').spawn(process.argv[1], ['-e', '-c', process.argv[2]], {detached: true, stdio: ['ignore', 'pipe', 'ignore']});
    let out = ''; r.stdout.on('data', d => out += d.toString('latin1'));
    r.on('close', (code, signal) => console.log(JSON.stringify({code, signal, stdout: out})));`;
  const said = execFileSync(process.execPath, ['-e', launch, shell, script], {env, encoding: 'utf8', cwd: folder});
  return JSON.parse(said) as Ran;
}

function ledger() {
  return readLedger(readFileSync(join(folder, 'ledger'), 'utf8'));
}

describe.each(['bash', 'sh'])('an attempt in %s', shell => {
  test('does its task where no fault is drawn, with errors ending it as ever', () => {
    const {run} = taskOf({version: 1, tasks: {t: {run: 'echo done\nfalse\necho never'}}}, {faults: ['hang']});
    const number = MAX_FAULTS_OF_A_TASK + 1;
    expect(attempt(shell, run, {number})).toEqual({code: 1, signal: null, stdout: 'done\n'});
    expect(ledger()).toEqual([expect.objectContaining({attempt: 1, what: 'start', cookie: 'store.1'})]);
  });

  test('is killed by a signal while it runs, or at its end when it is quick, and says so first', () => {
    for (const [id, script] of ['sleep 30', 'echo quick'].entries()) {
      const {run} = taskOf({version: 1, tasks: {t: {run: script}}}, {faults: ['crash']});
      expect(attempt(shell, run, {id}).signal).toBe('SIGKILL');
    }
    expect(ledger().map(({attempt, what}) => [attempt, what])).toEqual([
      [0, 'start'],
      [0, 'crash'],
      [1, 'start'],
      [1, 'crash'],
    ]);
  });

  test('prints garbage, and lies only where that can be found out', () => {
    const said = (task: object) => attempt(shell, taskOf({version: 1, tasks: {t: task}}, {faults: ['garbage']}).run);
    const plain = said({run: 'echo done'});
    expect(plain.code).toBe(65);
    expect(plain.stdout).not.toContain('done');
    expect(plain.stdout.length).toBeGreaterThan(4096);
    expect(said({run: 'echo done', verify: 'false'}).code).toBe(0);
    expect(said({run: 'echo done', outputs: 'json'}).code).toBe(0);
    expect(said({run: 'echo done', outputs: 'lines'}).code).toBe(65);
  });

  test('is slow, and does its task then', () => {
    const {run} = taskOf({version: 1, tasks: {t: {run: 'echo done'}}}, {faults: ['slow']});
    expect(attempt(shell, run)).toEqual({code: 0, signal: null, stdout: 'done\n'});
    expect(ledger().map(({what}) => what)).toEqual(['start', 'slow']);
  });

  test('does its task when the faults are gone', () => {
    const {run} = taskOf({version: 1, tasks: {t: {run: 'echo done'}}}, {faults: ['crash']});
    rmSync(join(folder, 'faults.sh'));
    expect(attempt(shell, run)).toEqual({code: 0, signal: null, stdout: 'done\n'});
  });
});

/** Every task is a subshell of one shell, so that many can be drawn. */
function draws(choice: Partial<FaultChoice>, tasks: number): readonly string[] {
  rmSync(join(folder, 'ledger'), {force: true});
  const {scriptFile} = faulty({version: 1, tasks: {t: {run: 'true'}}}, choice);
  const script = `for i in $(seq ${tasks}); do GODEL_TASK_ID="work[$i]" GODEL_COOKIE=s.$i; (. "$1" >/dev/null 2>&1) || :; done`;
  execFileSync('sh', ['-c', script, 'sh', scriptFile], {env: {...process.env, GODEL_ATTEMPT: '1'}, cwd: folder});
  return ledger().flatMap(({attempt, what}) => (what === 'start' ? [] : [`${attempt} ${what}`]));
}

test('the share of faulty attempts is what was asked for, and the same seed draws the same ones', () => {
  const choice = {faults: ['garbage', 'slow'], rate: 0.4, slowMs: 1} as const;
  const drawn = draws(choice, 100);
  const count = (fault: string) => drawn.filter(line => line.endsWith(fault)).length;
  expect(drawn.length).toBeGreaterThan(25);
  expect(drawn.length).toBeLessThan(55);
  expect(count('garbage')).toBeGreaterThan(drawn.length / 4);
  expect(count('slow')).toBeGreaterThan(drawn.length / 4);
  const again = draws(choice, 25);
  expect(drawn.slice(0, again.length)).toEqual(again);
  expect(draws({...choice, seed: 8}, 25)).not.toEqual(again);
});

test('a line of the ledger that was cut off says nothing', () => {
  expect(readLedger('s.1 start 5\ns.2 nonsense 5\ns.x hang 5\ns.3 hang\ns.4 ha')).toEqual([
    {attempt: 1, cookie: 's.1', what: 'start', atMs: 5},
  ]);
});
