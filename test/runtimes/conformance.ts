import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import type {AgentRequest, AgentRuntime, AgentUsage} from '../../src/runtimes/agent-runtime.ts';
import {type FakeCase, fakeOnPath} from './fake-program.ts';
import {type HowToRun, type RanAgent, requestIn, runAgent, temporaryFolder} from './run-agent.ts';

/** A runtime with the fake of its CLI, and what that CLI is able to tell. */
export interface Subject {
  readonly runtime: AgentRuntime;
  /** The name of the CLI, and of its fake in `fakes/`. */
  readonly program: string;
  /** What the CLI needs in its environment to keep everything in this folder. */
  readonly env?: (home: string) => Readonly<Record<string, string>>;
  readonly model: string | null;
  /** Which of its doings it tells of. */
  readonly tells: {
    readonly edits: boolean;
    readonly sessions: boolean;
    readonly retries: boolean;
    readonly denials: boolean;
    readonly noise: boolean;
  };
  /** What one request of the fake uses; the case `edit` makes `requestsOfEdit` of them. */
  readonly usage: AgentUsage;
  readonly requestsOfEdit: number;
  /** How the fake starts its stream, so that the host may see it work before it hangs. */
  readonly tellsBeforeEnd: boolean;
}

const PROMPTS: Readonly<Record<string, string>> = {
  'several lines and quotes': 'Say "hello" and \'bye\'.\n\n\t`ls` $(rm -rf x) $HOME \\ %s\nEnd',
  'a dash in front': '--version is what it should print',
  'a slash in front': '/clear is a command to document',
  'an at sign in front': '@file.txt is to be read',
  'characters of the whole world': 'Grüße, 日本語, 🎉, a\u2028b, e\u0301',
  'what looks like a placeholder': 'Fill in {prompt}, {model} and {cwd}.',
  '300 KB': `begin ${'0123456789 '.repeat(28_000)} end`,
};

/** What every runtime must do, whatever its CLI. */
export function conformance(subject: Subject): void {
  const {runtime, tells} = subject;

  async function act(
    what: FakeCase,
    request: Partial<AgentRequest> = {},
    how: HowToRun = {},
  ): Promise<RanAgent & {cwd: string}> {
    const cwd = request.cwd ?? temporaryFolder('work');
    const env = {...environmentOf(subject, cwd), GODEL_FAKE: what, ...request.env};
    const ran = await runAgent(runtime, requestIn(cwd, {model: subject.model, ...request, env}), how);
    return {...ran, cwd};
  }

  async function errorOf(what: FakeCase) {
    const {result, activities} = await act(what);
    if (result.result.ok) throw new Error(`${what} was taken for a success`);
    return {error: result.result.error, result, retries: activities.filter(({kind}) => kind === 'retry')};
  }

  describe('success', () => {
    test('an edit succeeds, with its last words and exactly what was used', async () => {
      const {result, cwd} = await act('edit');
      expect(result.result).toEqual({ok: true});
      expect(result.text).toBe('Done.');
      expect(existsSync(join(cwd, 'made.txt'))).toBe(true);
      expect(rounded(result.usage)).toEqual(rounded(times(subject.usage, subject.requestsOfEdit)));
      expect(result.denied).toEqual([]);
    });

    test.skipIf(!tells.edits)('an edit is told of when it has been made', async () => {
      const {activities} = await act('edit');
      expect(activities).toContainEqual({kind: 'edit', path: 'made.txt'});
    });

    test('what was used is told of before the end, and never shrinks', async () => {
      const {activities, result} = await act('edit');
      const told = activities.flatMap(activity =>
        activity.kind === 'usage' ? [activity.usage.outputTokens ?? 0] : [],
      );
      expect([...told].sort((a, b) => a - b)).toEqual(told);
      if (told.length > 0) expect(told.at(-1)).toBe(result.usage.outputTokens);
    });

    test('doing nothing is a success of the runtime, without any edit', async () => {
      const {result, activities} = await act('idle');
      expect(result.result).toEqual({ok: true});
      expect(activities.filter(({kind}) => kind === 'edit')).toEqual([]);
    });

    test.skipIf(!tells.sessions)('a session is told of, and gone on with where it was held', async () => {
      const cwd = temporaryFolder('work');
      const first = sessionOf(await act('edit', {cwd}));
      const second = sessionOf(await act('edit', {cwd, resume: first}));
      expect(first).not.toBeNull();
      expect(second).toBe(first);
    });

    test.skipIf(!tells.sessions)('a resumed attempt has used only what itself has used', async () => {
      const cwd = temporaryFolder('work');
      const resume = sessionOf(await act('edit', {cwd}));
      const {result} = await act('edit', {cwd, resume});
      expect(rounded(result.usage)).toEqual(rounded(times(subject.usage, subject.requestsOfEdit)));
    });

    test.each(Object.entries(PROMPTS))('a prompt arrives whole: %s', async (_, prompt) => {
      const {result} = await act('echo', {prompt});
      expect(result.result).toEqual({ok: true});
      expect(result.text.trim()).toBe(prompt.trim());
    });
  });

  describe('limits of the provider', () => {
    test('429 is throttled', async () => {
      const {error, retries} = await errorOf('throttled');
      expect(error).toMatchObject({kind: 'throttled', retryAfterMs: null});
      if (tells.retries) expect(retries).toContainEqual(expect.objectContaining({kind: 'retry', cause: 'throttled'}));
    });

    test('429 with a time says how long', async () => {
      expect((await errorOf('throttled-with-time')).error).toMatchObject({kind: 'throttled', retryAfterMs: 30_000});
    });

    test('an account without credit is a quota', async () => {
      expect((await errorOf('quota')).error).toMatchObject({kind: 'quota'});
    });

    test('an overloaded provider is overloaded', async () => {
      const {error, retries} = await errorOf('overloaded');
      expect(error).toMatchObject({kind: 'overloaded'});
      if (tells.retries) expect(retries).toContainEqual(expect.objectContaining({kind: 'retry', cause: 'overloaded'}));
    });

    test('nothing says that the provider has answered when it has not', async () => {
      const {activities} = await act('throttled');
      expect(activities.filter(({kind}) => kind === 'usage' || kind === 'message')).toEqual([]);
    });
  });

  describe('failure', () => {
    test.each([
      ['auth', 'auth'],
      ['refused', 'refused'],
      ['too-long', 'context-too-long'],
      ['silent', 'bad-output'],
    ] as const)('%s is %s', async (what, kind) => {
      expect((await errorOf(what)).error.kind).toBe(kind);
    });

    test('a program that was killed has crashed, and what it used until then is known', async () => {
      const {error, result} = await errorOf('crash');
      expect(error.kind).toBe('crashed');
      expect(error.detail).toContain('SIGKILL');
      if (subject.tellsBeforeEnd) expect(rounded(result.usage)).toEqual(rounded(subject.usage));
    });

    test('a program that hangs and is ended still gives a result', async () => {
      const {result, exit} = await act('hang', {}, endOnSignOfLife(subject));
      expect(exit.signal).toBe('SIGKILL');
      expect(result.result).toMatchObject({ok: false, error: {kind: 'crashed'}});
    });

    test.skipIf(!tells.denials)('what it was denied is told of, though it went on', async () => {
      const {result, activities} = await act('denied');
      expect(result.denied).toEqual([expect.stringContaining('npm publish')]);
      expect(activities).toContainEqual({kind: 'permission', what: result.denied[0], granted: false});
    });
  });

  describe('output', () => {
    test('garbage between lines harms nothing', async () => {
      const {result, activities} = await act('garbage');
      expect(result.result).toEqual({ok: true});
      expect(result.text).toContain('Done.');
      if (tells.noise) expect(activities.filter(({kind}) => kind === 'noise')).toHaveLength(3);
    });

    test('a character cut in two by the pieces of the output stays whole', async () => {
      const {result} = await act('split', {}, {pieceBytes: 1});
      expect(result.text).toBe('Grüße – 日本語 🎉\u2028end');
    });
  });

  describe('secrets', () => {
    test('those that it needs reach it, and it passes on no other', async () => {
      const secret = runtime.secrets[0] ?? 'SOME_SECRET';
      const request = {env: {[secret]: 'needed', HOSTS_OTHER_SECRET: 'not-needed'}};
      const {run, result} = await act('environment', request);
      expect(JSON.parse(result.text)).toMatchObject({[secret]: 'needed'});
      expect(JSON.stringify([run.env, run.args])).not.toMatch(/needed/);
    });
  });

  describe('detection', () => {
    test('it is found with its absolute path', async () => {
      const env = environmentOf(subject, temporaryFolder('home'));
      const detection = await runtime.detect(env);
      expect(detection).toMatchObject({
        found: true,
        file: join((env['PATH'] ?? '').split(':')[0] ?? '', subject.program),
      });
    });

    test('where it is missing there is a hint how to get it', async () => {
      const detection = await runtime.detect({PATH: temporaryFolder('empty')});
      expect(detection).toMatchObject({found: false, hint: expect.stringMatching(/\w/) as string});
    });
  });
}

function environmentOf({program, env}: Subject, cwd: string): Record<string, string> {
  const home = join(cwd, '.home');
  return {PATH: fakeOnPath(program), HOME: home, ...env?.(home)};
}

/** One that tells nothing before its end is ended after a while: there is nothing to wait for. */
function endOnSignOfLife({tellsBeforeEnd}: Subject): HowToRun {
  return tellsBeforeEnd ? {endWhen: ({kind}) => kind === 'message'} : {endAfterMs: 300};
}

function sessionOf({activities}: RanAgent): string | null {
  const session = activities.find(activity => activity.kind === 'session');
  return session?.kind === 'session' ? session.id : null;
}

function times(usage: AgentUsage, factor: number): AgentUsage {
  const scaled = (value: number | null) => (value === null ? null : value * factor);
  return {
    usd: scaled(usage.usd),
    inputTokens: scaled(usage.inputTokens),
    outputTokens: scaled(usage.outputTokens),
    cacheReadTokens: scaled(usage.cacheReadTokens),
    cacheWriteTokens: scaled(usage.cacheWriteTokens),
  };
}

/** Sums of floating-point numbers differ in their last digits by the order of the summands. */
function rounded(usage: AgentUsage): AgentUsage {
  return {...usage, usd: usage.usd === null ? null : Math.round(usage.usd * 1e9) / 1e9};
}
