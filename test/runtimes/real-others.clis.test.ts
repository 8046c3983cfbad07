import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {acpRuntime} from '../../src/runtimes/acp.ts';
import type {Activity, AgentRequest, AgentRuntime} from '../../src/runtimes/agent-runtime.ts';
import {codexRuntime} from '../../src/runtimes/codex.ts';
import {geminiRuntime} from '../../src/runtimes/gemini.ts';
import {opencodeRuntime} from '../../src/runtimes/opencode.ts';
import {setUpFor} from '../model-server/cli-set-up.ts';
import {cliFolder, cliOrWhyNot} from '../model-server/installed-clis.ts';
import {ModelServer} from '../model-server/model-server.ts';
import {type HowToRun, type RanAgent, requestIn, runAgent, temporaryFolder} from './run-agent.ts';

type Cli = 'codex' | 'gemini' | 'opencode';

const RUNTIMES: readonly (readonly [string, Cli, AgentRuntime])[] = [
  ['codex', 'codex', codexRuntime(NO_AGENT_SETTINGS)],
  ['gemini', 'gemini', geminiRuntime(NO_AGENT_SETTINGS)],
  ['opencode', 'opencode', opencodeRuntime(NO_AGENT_SETTINGS)],
  ['gemini over ACP', 'gemini', overAcp(['gemini', '--acp', '-m', '{model}'])],
  ['opencode over ACP', 'opencode', overAcp(['opencode', 'acp'])],
];

function overAcp(command: readonly string[]): AgentRuntime {
  return acpRuntime({name: command.join(' '), command, secrets: [], memoryBytes: null, prices: {}});
}

/** A server, and a project in which the real CLI may do prompts that say what the server is to answer. */
async function laboratory(cli: Cli, runtime: AgentRuntime) {
  const server = await ModelServer.start();
  const root = temporaryFolder('real');
  const cwd = join(root, 'project');
  mkdirSync(cwd);
  execFileSync('git', ['init', '--quiet'], {cwd});
  const {env, model} = setUpFor(cli, server.url, root);
  const PATH = `${cliFolder(cli) ?? ''}:${process.env['PATH'] ?? ''}`;
  return {
    cwd,
    bill: () => server.ledger.bill('t'),
    act: (directives: string, request: Partial<AgentRequest> = {}, how: HowToRun = {}): Promise<RanAgent> => {
      const prompt = `[task:t] Please do this:\n${directives}`;
      return runAgent(runtime, requestIn(cwd, {model, prompt, ...request, env: {HOME: root, ...env, PATH}}), how);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

describe.each(RUNTIMES)('%s', (name, cli, runtime) => {
  const there = cliFolder(cli) !== null;
  const direct = !name.endsWith('ACP');

  it.skipIf(!there)(`edits a file, and tells what the server has billed (${cliOrWhyNot(cli)})`, async () => {
    await using lab = await laboratory(cli, runtime);
    const {result} = await lab.act('EDIT made.txt: by the model');
    expect(result.result).toEqual({ok: true});
    expect(existsSync(join(lab.cwd, 'made.txt'))).toBe(true);
    const {tokens, usd, answered} = lab.bill();
    expect(answered).toBeGreaterThan(1);
    if (!direct) return;
    expect(result.usage).toMatchObject({
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      cacheReadTokens: tokens.cacheRead,
    });
    expect(result.usage.usd).toBeCloseTo(usd, 9);
  });

  it.skipIf(!there || !direct)(`says that it is throttled (${cliOrWhyNot(cli)})`, async () => {
    await using lab = await laboratory(cli, runtime);
    const {result, activities} = await lab.act('FAULT throttled 1000', {}, {endWhen: isRetry});
    // Codex does not try again when it is not told when.
    if (cli !== 'codex') expect(activities).toContainEqual(expect.objectContaining({cause: 'throttled'}));
    expect(result.result).toMatchObject({ok: false, error: {kind: 'throttled'}});
    expect(lab.bill().statuses).toEqual({429: expect.any(Number) as number});
  });

  it.skipIf(!there)(`gets over a limit that passes (${cliOrWhyNot(cli)})`, async () => {
    await using lab = await laboratory(cli, runtime);
    const {result} = await lab.act('FAULT throttled 1 1\nANSWER made it');
    expect(result.result).toEqual({ok: true});
    expect(result.text).toBe('made it');
    expect(lab.bill().statuses).toMatchObject({429: 1});
  });

  it.skipIf(!there)(`may run only what it is allowed to (${cliOrWhyNot(cli)})`, async () => {
    await using lab = await laboratory(cli, runtime);
    const {result} = await lab.act('RUN touch allowed.txt\nRUN cp allowed.txt denied.txt', {allow: ['bash:touch *']});
    // Codex has a sandbox around what it runs instead.
    expect(existsSync(join(lab.cwd, 'denied.txt'))).toBe(cli === 'codex');
    expect(existsSync(join(lab.cwd, 'allowed.txt'))).toBe(true);
    expect(result.denied).toHaveLength(cli === 'codex' ? 0 : 1);
  });

  // Gemini CLI has been seen not to find its own sessions over ACP; a new one is begun then.
  it.skipIf(!there || name === 'gemini over ACP')(
    `goes on with a session, and tells what that alone has used (${cliOrWhyNot(cli)})`,
    async () => {
      await using lab = await laboratory(cli, runtime);
      const first = await lab.act('ANSWER one');
      const resume = first.activities.flatMap(activity => (activity.kind === 'session' ? [activity.id] : []))[0] ?? '';
      const before = lab.bill();
      const {result, activities} = await lab.act('ANSWER two', {resume});
      expect(activities).toContainEqual({kind: 'session', id: resume});
      expect(result.result).toEqual({ok: true});
      if (!direct) return;
      expect(result.usage.outputTokens).toBe(lab.bill().tokens.output - before.tokens.output);
      expect(result.usage.usd).toBeCloseTo(lab.bill().usd - before.usd, 9);
    },
  );
});

function isRetry({kind}: Activity): boolean {
  return kind === 'retry';
}
