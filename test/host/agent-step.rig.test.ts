import {mkdtempSync, readFileSync, realpathSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {AgentStep, type AgentStepOptions} from '../../src/host/agent-step.ts';
import {AttemptClock} from '../../src/host/attempt-clock.ts';
import {AttemptLog} from '../../src/host/attempt-log.ts';
import {Ending} from '../../src/host/ending.ts';
import {OutputLog} from '../../src/host/output-log.ts';
import {ProgramRunner} from '../../src/host/program-runner.ts';
import {Redaction} from '../../src/host/redaction.ts';
import {StraySweeper} from '../../src/host/stray-sweeper.ts';
import {AttemptLife} from '../../src/host/watch/attempt-life.ts';
import {AttemptWatch} from '../../src/host/watch/attempt-watch.ts';
import type {SessionMark} from '../../src/model/attempt.ts';
import {attemptId} from '../../src/model/ids.ts';
import type {ProviderSignal} from '../../src/model/provider.ts';
import {identityOf} from '../../src/os/process-identity.ts';
import {ChildCpu, PeakMemory} from '../../src/os/usage.ts';
import type {AgentEvents, AgentResult, AgentRun, AgentRuntime} from '../../src/runtimes/agent-runtime.ts';
import {NO_AGENT_USAGE} from '../../src/runtimes/agent-usage.ts';
import {until} from '../rig/until.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-agent-step-')));
const watch = new AttemptWatch();
afterAll(() => {
  watch.close();
  rmSync(folder, {recursive: true, force: true});
});

const KILL_GRACE_MS = 400;
let steps = 0;

type Begin = (events: AgentEvents) => Partial<AgentRun> & {readonly script: string};

function resultOf(changes: Partial<AgentResult> = {}): AgentResult {
  return {result: {ok: true}, text: 'done', usage: NO_AGENT_USAGE, denied: [], ...changes};
}

/** A runtime whose CLI is a Node script. */
function runtimeOf(begin: Begin): AgentRuntime {
  return {
    name: 'fake',
    secrets: [],
    memoryBytes: null,
    detect: () => Promise.resolve({found: false, detail: 'there is no fake', hint: 'make one'}),
    begin: (_, events) => {
      const {script, ...run} = begin(events);
      return {
        file: process.execPath,
        args: ['-e', script],
        env: {},
        stdin: 'closed',
        stdout: () => undefined,
        stderr: () => undefined,
        ended: () => resultOf(),
        ...run,
      };
    },
  };
}

function stepOf(runtime: AgentRuntime, changes: Partial<AgentStepOptions> = {}) {
  const ending = new Ending();
  const file = join(folder, `${(steps += 1)}.log`);
  const sessions: SessionMark[] = [];
  const signals: ProviderSignal[] = [];
  const cookie = `agent-step-${process.pid}.${steps}`;
  const clock = new AttemptClock(null, () => undefined);
  const programs = new ProgramRunner({
    means: {
      inTurn: start => start(),
      sweeper: new StraySweeper(KILL_GRACE_MS),
      cpu: new ChildCpu(),
      peak: new PeakMemory(),
    },
    cookie,
    umask: 0o022,
    killGraceMs: KILL_GRACE_MS,
    thorough: false,
    ending,
    clock,
    life: new AttemptLife({
      attempt: attemptId(7),
      cookie,
      limits: {},
      ending,
      clock,
      watch,
      warn: () => undefined,
    }),
  });
  const log = new OutputLog({file, capBytes: 100_000});
  const step = new AgentStep({
    ending,
    programs,
    log: new AttemptLog({log, redaction: new Redaction(['secret-value']), ending, onOutput: () => undefined}),
    attempt: 7,
    work: {
      kind: 'prompt',
      prompt: 'do it',
      runtime: 'fake',
      model: 'acme/large',
      cap: {usd: null, tokens: 100},
      resume: null,
      isReview: false,
    },
    runtime,
    cwd: folder,
    folder,
    env: {PATH: process.env['PATH'] ?? ''},
    resume: null,
    allow: [],
    readOnly: false,
    scratch: folder,
    killGraceMs: KILL_GRACE_MS,
    onSession: session => sessions.push(session),
    onSignal: signal => signals.push(signal),
    ...changes,
  });
  return {step, ending, sessions, signals, logText: () => readFileSync(file, 'utf8')};
}

/** What it prints, as text, and the latest of it. */
function listener() {
  const said = {text: ''};
  return {said, stdout: (chunk: Uint8Array) => void (said.text += Buffer.from(chunk).toString())};
}

test('an agent that stays is talked to over standard input, and ended when it is done', async () => {
  const {said, stdout} = listener();
  let exit: unknown;
  const {step} = stepOf(
    runtimeOf(events => ({
      script: `process.stdin.on('data', data => process.stdout.write('<' + data + '>')); setInterval(() => {}, 1000)`,
      stdin: {first: 'hello'},
      stdout: chunk => {
        stdout(chunk);
        if (said.text === '<hello>') events.send('more');
        if (said.text === '<hello><more>') events.done();
      },
      ended: end => {
        exit = end;
        return resultOf({text: said.text});
      },
    })),
  );
  expect(await step.run()).toEqual({ok: true, value: {text: '<hello><more>', denied: []}});
  expect(exit).toEqual({exitCode: null, signal: 'SIGTERM'});
});

test('one that ends when nothing more can come is not signalled', async () => {
  let exit: unknown;
  const {step} = stepOf(
    runtimeOf(events => {
      // Before it has even been started.
      events.send('both');
      events.done();
      return {
        script: `process.stdin.resume().on('end', () => process.exit(5))`,
        stdin: {first: 'of these '},
        ended: end => {
          exit = end;
          return resultOf();
        },
      };
    }),
  );
  await step.run();
  expect(exit).toEqual({exitCode: 5, signal: null});
});

test('a prompt that is given whole ends there, however long, and whether or not it is read', async () => {
  const long = 'x'.repeat(3_000_000);
  const {said, stdout} = listener();
  const reading = stepOf(
    runtimeOf(() => ({
      script: `let n = 0; process.stdin.on('data', data => n += data.length).on('end', () => console.log(n))`,
      stdin: {all: long},
      stdout,
    })),
  );
  expect(await reading.step.run()).toMatchObject({ok: true});
  expect(said.text).toBe('3000000\n');
  const deaf = stepOf(runtimeOf(() => ({script: `process.exit(0)`, stdin: {all: long}})));
  expect(await deaf.step.run()).toMatchObject({ok: true});
});

test('who does not read is not listened to, so that nothing grows, until it reads', async () => {
  const answer = 'y'.repeat(64 * 1024);
  let heard = 0;
  let heardWhenStuck = 0;
  const {step} = stepOf(
    runtimeOf(events => ({
      // Prints 8 MB, and reads only when it cannot go on with that.
      script: `
        let left = 500;
        let lastMs = Date.now();
        const print = () => {
          lastMs = Date.now();
          while (left > 0 && process.stdout.write(Buffer.alloc(16000, 'z'))) left -= 1;
          if (left > 0) process.stdout.once('drain', print);
          else process.exit(0);
        };
        const watch = setInterval(() => {
          if (Date.now() - lastMs < 500) return;
          clearInterval(watch);
          process.stderr.write('stuck', () => process.stdin.resume());
        }, 50);
        print();`,
      stdin: {first: ''},
      stdout: chunk => {
        heard += chunk.length;
        events.send(answer);
      },
      stderr: () => {
        heardWhenStuck = heard;
      },
      ended: ({exitCode}) => resultOf({text: String(exitCode)}),
    })),
  );
  expect(await step.run()).toMatchObject({value: {text: '0'}});
  expect(heardWhenStuck).toBeGreaterThan(0);
  expect(heardWhenStuck).toBeLessThan(3_000_000);
  expect(heard).toBeGreaterThan(7_000_000);
});

test('it is asked to stop in its own way first, and killed when it does not', async () => {
  const {said, stdout} = listener();
  let asked = 0;
  const {step, ending} = stepOf(
    runtimeOf(events => ({
      script: `process.on('SIGTERM', () => console.log('TERM')); console.log(process.pid); setInterval(() => {}, 1000);
        process.stdin.on('data', data => console.log(String(data)))`,
      stdin: {first: ''},
      stdout,
      cancel: () => {
        asked += 1;
        events.send('cancel');
      },
    })),
  );
  const running = step.run();
  await until('it runs', () => said.text.includes('\n'));
  ending.begin({reason: 'stopped', by: 'user'});
  expect(await running).toEqual({ok: false, failure: {reason: 'stopped', by: 'user'}});
  expect(asked).toBe(1);
  expect(said.text).toMatch(/^\d+\ncancel\nTERM\n$/);
  expect(identityOf(Number.parseInt(said.text, 10))).toBeNull();
});

test('of what it has used the last sum counts, also when it is killed', async () => {
  const usage = (inputTokens: number, outputTokens: number) => ({...NO_AGENT_USAGE, inputTokens, outputTokens});
  const {step, signals} = stepOf(
    runtimeOf(events => ({
      script: `console.log(1); setInterval(() => {}, 1000)`,
      stdout: () => {
        events.activity({kind: 'usage', usage: usage(10, Number.NaN)});
        events.activity({kind: 'usage', usage: usage(90, 11)});
        events.activity({kind: 'usage', usage: usage(95, -1)});
      },
      ended: () => resultOf({result: {ok: false, error: {kind: 'crashed', detail: 'killed'}}, usage: usage(95, 12)}),
    })),
  );
  expect(await step.run()).toEqual({ok: false, failure: {reason: 'over-cap', capUsd: null, capTokens: 100}});
  expect(step.usage).toEqual(usage(95, 12));
  expect(signals).toEqual([{provider: 'acme', kind: 'ok', retryAfterMs: null}]);
});

test('what is complete is not thrown away because it has cost too much', async () => {
  const {step} = stepOf(
    runtimeOf(() => ({script: '0', ended: () => resultOf({usage: {...NO_AGENT_USAGE, inputTokens: 101}})})),
  );
  expect(await step.run()).toMatchObject({ok: true});
  expect(step.warnings).toEqual(['it has used more than one attempt of it may']);
});

test('a runtime that fails on what its CLI says fails the attempt', async () => {
  const {step} = stepOf(
    runtimeOf(() => ({
      script: `console.log(1); setInterval(() => {}, 1000)`,
      stdout: () => {
        throw new Error('cannot take this');
      },
    })),
  );
  expect(await step.run()).toEqual({ok: false, failure: {reason: 'unexpected', message: 'cannot take this'}});
});

test('what it does is told in lines, without secrets', async () => {
  const {step, sessions, logText} = stepOf(
    runtimeOf(events => ({
      script: `process.stderr.write('half a li')`,
      ended: () => {
        events.activity({kind: 'message', text: 'the\nkey is secret-value\u001b[31m'});
        events.activity({kind: 'tool', name: 'Bash', detail: 'x'.repeat(5000)});
        events.activity({kind: 'session', id: 's-1'});
        events.activity({kind: 'session', id: 's-1'});
        events.activity({kind: 'session', id: 'x'.repeat(2000)});
        return resultOf();
      },
    })),
  );
  await step.run();
  const [first, second, third] = logText().split('\n');
  expect([first, second]).toEqual(['half a li', 'the key is ***']);
  expect(third).toMatch(/^> Bash: x+…$/);
  expect(third).toHaveLength(2000);
  expect(sessions).toEqual([{attempt: 7, runtime: 'fake', session: 's-1', folder}]);
});

test('a CLI that is not there is said to be missing', async () => {
  const {step} = stepOf(runtimeOf(() => ({script: '', file: 'no-such-agent'})));
  expect(await step.run()).toEqual({
    ok: false,
    failure: {reason: 'runtime-missing', runtime: 'fake', detail: 'there is no fake', hint: 'make one'},
  });
});
