import {describe, expect, test} from 'vitest';
import {setUpFor} from '../model-server/cli-set-up.ts';
import {cliFolder, cliOrWhyNot} from '../model-server/installed-clis.ts';
import {ModelServer} from '../model-server/model-server.ts';
import {until} from '../rig/until.ts';
import {AgentRig} from './agent-rig.ts';

type Cli = 'pi' | 'claude';
const MODELS: Readonly<Record<Cli, string>> = {pi: 'loopback/claude-haiku-4-5', claude: 'claude-haiku-4-5'};

/** The host with the real CLI, which asks a model that does what the prompt says. */
async function start(cli: Cli, server: ModelServer): Promise<AgentRig> {
  const rig = await AgentRig.start();
  const {env} = setUpFor(cli, server.url, rig.host.folder);
  rig.openTeam({env: {...env, PATH: `${cliFolder(cli) ?? ''}:${process.env['PATH'] ?? ''}`}});
  return rig;
}

function assign(rig: AgentRig, cli: Cli, prompts: readonly string[], capUsd: number | null = null): void {
  const orders = prompts.map((prompt, index) =>
    rig.order(index + 1, [], {
      work: {
        runtime: cli,
        model: MODELS[cli],
        cap: {usd: capUsd, tokens: null},
        prompt: `[task:${index + 1}] Please do this:\n${prompt}`,
      },
      workspace: {change: 'required', touches: {globs: ['*.txt'], policy: 'fail'}},
      verify: 'grep -q model made.txt',
    }),
  );
  rig.host.assign(...orders);
}

describe.each(['pi', 'claude'] as const)('%s', cli => {
  const bin = cliFolder(cli);

  test.skipIf(bin === null)(`does its work and is accounted for (${cliOrWhyNot(cli)})`, async () => {
    await using server = await ModelServer.start();
    await using rig = await start(cli, server);
    assign(rig, cli, ['EDIT made.txt: by the model', 'ANSWER All done!']);
    const [made, nothing] = await Promise.all([rig.host.daemon.outcome(1), rig.host.daemon.outcome(2)]);
    expect(made, rig.host.logOf(1)).toMatchObject({result: {ok: true}, work: {files: 1, insertions: 1}});
    expect(rig.git('show', `${rig.refOf(1)}:made.txt`)).toBe('by the model');
    expect(nothing.result).toEqual({ok: false, failure: {reason: 'no-change'}});
    for (const [attempt, {usage}] of [made, nothing].entries()) {
      const {usd, tokens} = server.ledger.bill(String(attempt + 1));
      expect(usage.usd).toBeCloseTo(usd, 6);
      expect(usage.outputTokens).toBe(tokens.output);
    }
    expect(rig.host.logOf(1)).toContain('> edits made.txt');
  });

  test.skipIf(bin === null)(`is stopped when it has used what it may (${cliOrWhyNot(cli)})`, async () => {
    await using server = await ModelServer.start();
    await using rig = await start(cli, server);
    assign(rig, cli, ['EDIT made.txt: by the model'], 0.000_001);
    const outcome = await rig.host.daemon.outcome(1);
    expect(outcome, rig.host.logOf(1)).toMatchObject({result: {failure: {reason: 'over-cap', capUsd: 0.000_001}}});
    // The answer in which it was stopped may be billed to its end, of which nobody has told us.
    const billed = server.ledger.bill('1').usd;
    expect(outcome.usage.usd).toBeLessThanOrEqual(billed + 1e-9);
    expect(outcome.usage.usd).toBeGreaterThan(billed * 0.95);
  });

  test.skipIf(bin === null)(`leaves its work when it is stopped half-way (${cliOrWhyNot(cli)})`, async () => {
    // Which request follows the edit: claude looks at a file first.
    const edited = cli === 'pi' ? 1 : 2;
    await using server = await ModelServer.start({faults: ({nth}) => (nth === edited ? {kind: 'hang'} : null)});
    await using rig = await start(cli, server);
    assign(rig, cli, ['EDIT made.txt: by the model']);
    await until('it hangs', () => server.hanging > 0 && rig.host.logOf(1).includes('> edits made.txt'));
    rig.host.stop(1);
    const outcome = await rig.host.daemon.outcome(1);
    expect(outcome).toMatchObject({result: {failure: {reason: 'stopped', by: 'user'}}, work: {files: 1}});
    expect(rig.kept(1)).toEqual(['made.txt']);
    expect(outcome.usage.outputTokens).toBeGreaterThan(0);
    server.releaseHanging();
  });
});

test.skipIf(cliFolder('claude') === null)(
  `tells of a limit that its agent waits out (${cliOrWhyNot('claude')})`,
  async () => {
    await using server = await ModelServer.start();
    await using rig = await start('claude', server);
    assign(rig, 'claude', ['FAULT throttled 1 1\nEDIT made.txt: by the model']);
    expect(await rig.host.daemon.outcome(1), rig.host.logOf(1)).toMatchObject({result: {ok: true}});
    const signals = [...rig.host.daemon.reports.values()].flatMap(report =>
      report.type === 'provider-signal' ? [report.signal.kind] : [],
    );
    expect(signals).toEqual(['throttled', 'ok']);
  },
);
