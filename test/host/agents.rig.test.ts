import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {agentId, teamId} from '../../src/model/ids.ts';
import {identityOf} from '../../src/os/process-identity.ts';
import type {Report} from '../../src/wire/host-protocol.ts';
import {until} from '../rig/until.ts';
import {AgentRig} from './agent-rig.ts';
import {LIMITS} from './host-rig.ts';

const SUCCESS = {result: {ok: true}};

function failing(reason: string, facts: object = {}) {
  return {result: {ok: false, failure: {reason, ...facts}}};
}

function reportsOf<T extends Report['type']>(rig: AgentRig, type: T): Extract<Report, {type: T}>[] {
  const reports = [...rig.host.daemon.reports.values()];
  return reports.filter((report): report is Extract<Report, {type: T}> => report.type === type);
}

describe('an agent that does its work', () => {
  test('has it kept as one commit, and its worktree is used again', async () => {
    await using rig = await AgentRig.start();
    const steps = [
      {say: 'I will\nlook.', use: {input: 1000, output: 100}},
      {write: {'src/new.txt': 'new\n', 'a.txt': 'two\n', 'x.tmp': 'ignored'}},
      {print: 'npm WARN something\n', complain: 'Warning: no stdin\n'},
      {say: 'Done.', use: {input: 2000, output: 200}},
    ];
    const outcome = await rig.run(1, steps, {verify: 'grep -q two a.txt; echo built > left-behind.txt'});
    expect(outcome).toMatchObject({
      ...SUCCESS,
      work: {base: rig.base, ref: rig.refOf(1), files: 2, insertions: 2, deletions: 1},
      usage: {inputTokens: 3000, outputTokens: 300, usd: 0.0045, cpuSeconds: expect.any(Number) as number},
    });
    expect(rig.kept(1)).toEqual(['a.txt', 'src/new.txt']);
    expect(rig.git('rev-parse', rig.refOf(1))).toBe(outcome.work?.commit);
    expect(rig.git('log', '-1', '--format=%s|%an|%P', rig.refOf(1))).toBe(`task-1: a change|audit-01|${rig.base}`);
    expect(rig.host.logOf(1)).toMatch(
      /^\[session [0-9a-f-]{36}\]\nI will look\.\n> edits src\/new\.txt\n(.*\n)*npm WARN something\n/,
    );
    expect(rig.host.logOf(1)).toContain('Warning: no stdin\n');
    expect(outcome.warnings).toBeUndefined();
    await until('the worktree is free', () => !existsSync(join(rig.host.work, '.godel', 'worktrees', 'godel-1.json')));
    expect(await rig.run(2, [{write: {'b.txt': 'b\n'}}])).toMatchObject(SUCCESS);
    expect(rig.kept(2)).toEqual(['b.txt']);
    expect(rig.worktrees).toEqual(['godel-1']);
    expect(existsSync(join(rig.host.teamFolder, 'scratch', '1'))).toBe(false);
    await rig.closeTeam();
  });

  test('tells its session once, and how its provider treats it', async () => {
    await using rig = await AgentRig.start();
    const steps = [
      {retry: {status: 429, delay: 50}},
      {retry: {status: 429, delay: 80}},
      {retry: {status: 529, delay: 70}},
      {say: 'now', use: {input: 1, output: 1}},
      {print: '{"type":"system","subtype":"init","session_id":"again"}\n'.repeat(2)},
    ];
    const worktree = join(rig.host.work, '.godel', 'worktrees', 'godel-1');
    expect(await rig.run(1, steps)).toMatchObject({...SUCCESS, work: null});
    expect(reportsOf(rig, 'provider-signal').map(({signal}) => signal)).toEqual([
      {provider: 'anthropic', kind: 'throttled', retryAfterMs: 50},
      {provider: 'anthropic', kind: 'overloaded', retryAfterMs: 70},
      {provider: 'anthropic', kind: 'ok', retryAfterMs: null},
    ]);
    expect(reportsOf(rig, 'attempt-session').map(({session}) => session)).toEqual([
      {attempt: 1, runtime: 'claude', session: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, folder: worktree},
      {attempt: 1, runtime: 'claude', session: 'again', folder: worktree},
    ]);
    expect(rig.host.logOf(1)).toContain(
      '! tries again in 50 ms: the provider limits the rate of requests (status 429)',
    );
  });

  test('works in the same folder of the repository as its team, also where there is none yet', async () => {
    await using rig = await AgentRig.start();
    const [file, other] = [rig.mark, rig.mark];
    expect(await rig.run(1, [{environment: file}, {write: {'c.txt': 'c'}}], {cwd: 'packages/app/'})).toMatchObject(
      SUCCESS,
    );
    expect(rig.kept(1)).toEqual(['packages/app/c.txt']);
    const worktree = join(rig.host.work, '.godel', 'worktrees', 'godel-1', 'packages', 'app');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({PWD: worktree});
    expect(await rig.run(2, [{started: other}], {cwd: '../..'})).toMatchObject(failing('workspace-failed'));
    expect(existsSync(other)).toBe(false);
  });

  test('answers with what was declared', async () => {
    await using rig = await AgentRig.start();
    const output = (name: string) => ({outputFile: `outputs/${name}`}) as const;
    const [text, json, bad, large] = await Promise.all([
      rig.run(1, [{say: 'one\ntwo'}], {outputs: 'lines', ...output('1')}),
      rig.run(2, [{say: 'Here:\n```json\n{"a": 1}\n```'}], {outputs: 'json', ...output('2')}),
      rig.run(3, [{say: 'I did it.'}], {outputs: 'json', ...output('3')}),
      rig.run(4, [{say: 'x'.repeat(LIMITS.outputCapBytes + 1)}], {outputs: 'text', ...output('4')}),
    ]);
    const read = (name: string) => readFileSync(join(rig.host.teamFolder, 'outputs', name), 'utf8');
    expect(text).toMatchObject({...SUCCESS, outputBytes: 7});
    expect(read('1')).toBe('one\ntwo');
    expect(json).toMatchObject(SUCCESS);
    expect(read('2')).toBe('{"a": 1}');
    expect(bad).toMatchObject(failing('agent-error', {kind: 'bad-output'}));
    expect(large).toMatchObject(failing('output-too-large'));
    expect(readdirSync(join(rig.host.teamFolder, 'outputs')).sort()).toEqual(['1', '2']);
  });

  test('gives a verdict when it reviews', async () => {
    await using rig = await AgentRig.start();
    const review = {work: {isReview: true}, workspace: {change: 'none'}} as const;
    const [yes, no, none, meddling] = await Promise.all([
      rig.run(1, [{say: '{"approve": true, "comments": "fine"}'}], review),
      rig.run(2, [{say: '```json\n{"approve": false, "comments": "add a test"}\n```'}], review),
      rig.run(3, [{say: 'LGTM'}], review),
      rig.run(4, [{write: {'a.txt': 'better\n'}}, {say: '{"approve": true}'}], review),
    ]);
    expect(yes).toMatchObject({...SUCCESS, work: null, verdict: {approved: true, comments: 'fine'}});
    expect(no).toMatchObject({...SUCCESS, verdict: {approved: false, comments: 'add a test'}});
    expect(none).toMatchObject(failing('agent-error', {kind: 'bad-output'}));
    expect(meddling).toMatchObject({...failing('outside-touches', {files: ['a.txt'], globs: []}), work: {files: 1}});
  });
});

describe('words of success count for nothing', () => {
  test('an error in disguise is one', async () => {
    await using rig = await AgentRig.start();
    const write = {write: {'b.txt': 'b\n'}};
    const [limited, auth, silent] = await Promise.all([
      rig.run(1, [write, {result: {is_error: true, api_error_status: 429, result: 'retry in 3s'}, exit: 1}]),
      rig.run(2, [write, {result: {is_error: true, api_error_status: 401, result: 'Invalid API key'}, exit: 1}]),
      rig.run(3, [write, {result: {subtype: 'error_during_execution'}, exit: 0}]),
    ]);
    expect(limited).toMatchObject(
      failing('provider-limited', {provider: 'anthropic', kind: 'throttled', retryAfterMs: 3000}),
    );
    expect(auth).toMatchObject(failing('agent-error', {runtime: 'claude', kind: 'auth', exitCode: 1}));
    expect(silent).toMatchObject(failing('agent-error', {kind: 'crashed', exitCode: 0}));
    for (const outcome of [limited, auth, silent]) expect(outcome.work).toMatchObject({files: 1});
    expect([1, 2, 3].map(attempt => rig.kept(attempt))).toEqual([['b.txt'], ['b.txt'], ['b.txt']]);
  });

  test('what it was denied is its failure when a change is missing, else a warning', async () => {
    await using rig = await AgentRig.start();
    const required = {workspace: {change: 'required'}} as const;
    const [nothing, denied, warned] = await Promise.all([
      rig.run(1, [{say: 'All done!'}], required),
      rig.run(2, [{deny: 'npm test'}, {say: 'All done!'}], required),
      rig.run(3, [{deny: 'npm test'}, {write: {'b.txt': 'b'}}], required),
    ]);
    expect(nothing).toMatchObject({...failing('no-change'), work: null});
    expect(denied).toMatchObject(
      failing('agent-error', {kind: 'permission-denied', detail: expect.stringContaining('Bash npm test') as string}),
    );
    expect(warned).toMatchObject({...SUCCESS, warnings: ['it was denied Bash npm test']});
  });

  test('files outside of what it may touch fail it, or are warned of', async () => {
    await using rig = await AgentRig.start();
    const steps = [{write: {'src/a.ts': 'a', 'docs/a.md': 'a', 'b.txt': 'b'}}];
    const globs = ['src/**'];
    const [failed, warned, inside] = await Promise.all([
      rig.run(1, steps, {workspace: {touches: {globs, policy: 'fail'}}}),
      rig.run(2, steps, {workspace: {touches: {globs, policy: 'warn'}}}),
      rig.run(3, [{write: {'src/a.ts': 'a'}}], {workspace: {touches: {globs, policy: 'fail'}}}),
    ]);
    expect(failed).toMatchObject({
      ...failing('outside-touches', {files: ['b.txt', 'docs/a.md'], omitted: 0, globs}),
      work: {files: 3},
    });
    expect(warned).toMatchObject({
      ...SUCCESS,
      warnings: ['it has changed b.txt, docs/a.md, outside of `touches` (src/**)'],
    });
    expect(inside.warnings).toBeUndefined();
    expect(inside).toMatchObject(SUCCESS);
  });

  test('many files are reported as so many', async () => {
    await using rig = await AgentRig.start();
    const files = Object.fromEntries(Array.from({length: 130}, (_, index) => [`f/${index}.txt`, 'x']));
    const {result} = await rig.run(1, [{write: files}], {workspace: {change: 'none'}});
    expect(result).toMatchObject({failure: {reason: 'outside-touches', omitted: 30}});
    expect(!result.ok && result.failure.reason === 'outside-touches' && result.failure.files.length).toBe(100);
  });

  test('verify decides in the worktree, and what it leaves is no part of the work', async () => {
    await using rig = await AgentRig.start();
    const steps = [{write: {'b.txt': 'b\n'}}];
    const [bad, good] = await Promise.all([
      rig.run(1, steps, {verify: 'echo built > built.txt; echo 1 of 2 failed; test ! -e b.txt'}),
      rig.run(2, steps, {verify: 'echo built > built.txt; test -e b.txt'}),
    ]);
    expect(bad).toMatchObject({
      ...failing('verify-failed', {exitCode: 1, tail: expect.stringContaining('1 of 2 failed') as string}),
      work: {files: 1},
    });
    expect(good).toMatchObject({...SUCCESS, work: {files: 1}});
    expect([rig.kept(1), rig.kept(2)]).toEqual([['b.txt'], ['b.txt']]);
  });

  test('conflict markers that are left are none of a merge', async () => {
    await using rig = await AgentRig.start();
    const [ours, theirs] = [rig.commit({'a.txt': 'ours\n'}), rig.commit({'a.txt': 'theirs\n'})];
    const workspace = {base: ours, apply: theirs};
    const [left, resolved] = await Promise.all([
      rig.run(1, [{say: 'Resolved.'}], {workspace}),
      rig.run(2, [{write: {'a.txt': 'ours and theirs\n'}}], {workspace}),
    ]);
    expect(left).toMatchObject({
      ...failing('agent-error', {kind: 'bad-output', detail: 'conflict markers are left in a.txt'}),
      work: {files: 1, base: ours},
    });
    expect(resolved).toMatchObject({...SUCCESS, work: {files: 1, base: ours}});
    expect(rig.git('show', `${rig.refOf(2)}:a.txt`)).toBe('ours and theirs');
  });
});

describe('work is kept whatever ends an attempt', () => {
  test.each([
    ['stopped', {hang: ''}, {}, failing('stopped', {by: 'user'})],
    ['stopped though it does not want to', {hang: 'stubborn'}, {}, failing('stopped', {by: 'user'})],
  ])('%s', async (_, hang, changes, expected) => {
    await using rig = await AgentRig.start();
    const started = rig.mark;
    rig.host.assign(rig.order(1, [{write: {'b.txt': 'b\n'}}, {use: {input: 5, output: 7}}, {started}, hang], changes));
    const pid = Number(await until('it hangs', () => existsSync(started) && readFileSync(started, 'utf8')));
    rig.host.stop(1);
    expect(await rig.host.daemon.outcome(1)).toMatchObject({
      ...expected,
      work: {files: 1},
      usage: {inputTokens: 5, outputTokens: 7},
    });
    expect(rig.kept(1)).toEqual(['b.txt']);
    expect(identityOf(pid)).toBeNull();
  });

  test('timed out, in the work and in verify', async () => {
    await using rig = await AgentRig.start();
    const write = {write: {'b.txt': 'b\n'}};
    const [work, verify] = await Promise.all([
      rig.run(1, [write, {hang: ''}], {timeoutMs: 2000}),
      rig.run(2, [write], {verify: 'touch built; sleep 1000', timeoutMs: 3000}),
    ]);
    expect(work).toMatchObject({...failing('timed-out', {timeoutMs: 2000}), work: {files: 1}});
    expect(verify).toMatchObject({...failing('timed-out', {timeoutMs: 3000}), work: {files: 1}});
    expect([rig.kept(1), rig.kept(2)]).toEqual([['b.txt'], ['b.txt']]);
  });

  test('over its cap, in tokens and in USD', async () => {
    await using rig = await AgentRig.start();
    const steps = [{write: {'b.txt': 'b\n'}}, {use: {input: 900, output: 200}}, {hang: ''}];
    const [tokens, usd, enough] = await Promise.all([
      rig.run(1, steps, {work: {cap: {usd: null, tokens: 1000}}}),
      rig.run(2, steps, {work: {cap: {usd: 0.001, tokens: null}}}),
      rig.run(3, [{use: {input: 900, output: 100}}], {work: {cap: {usd: 1, tokens: 1000}}}),
    ]);
    expect(tokens).toMatchObject({...failing('over-cap', {capTokens: 1000, capUsd: null}), work: {files: 1}});
    expect(tokens.usage).toMatchObject({inputTokens: 900, outputTokens: 200, usd: 0.0019});
    expect(usd).toMatchObject({...failing('over-cap', {capTokens: null, capUsd: 0.001}), work: {files: 1}});
    expect(enough).toMatchObject(SUCCESS);
  });

  test('a child in a session of its own is ended before the work is saved', async () => {
    await using rig = await AgentRig.start();
    const file = rig.mark;
    const outcome = await rig.run(1, [{write: {'b.txt': 'b\n'}}, {stray: file}]);
    expect(identityOf(Number(readFileSync(file, 'utf8')))).toBeNull();
    expect(outcome).toMatchObject(SUCCESS);
    expect(await rig.run(2, [{write: {'c.txt': 'c\n'}}])).toMatchObject(SUCCESS);
    expect(rig.kept(2)).toEqual(['c.txt']);
  });

  test('without a daemon', async () => {
    const rig = await AgentRig.start({limits: {...LIMITS, graceMs: 500}});
    const started = rig.mark;
    rig.host.assign(rig.order(1, [{write: {'b.txt': 'b\n'}}, {started}, {hang: ''}]));
    await until('it hangs', () => existsSync(started));
    await rig.host.daemon.kill();
    expect(await rig.host.exited).toBe(0);
    expect(rig.kept(1)).toEqual(['b.txt']);
    expect(rig.worktrees).toEqual([]);
    await rig[Symbol.asyncDispose]();
  });

  test('by the next host, when the host itself was killed', async () => {
    await using rig = await AgentRig.start();
    const started = rig.mark;
    rig.host.assign(rig.order(1, [{write: {'b.txt': 'b\n'}}, {started}, {hang: 'stubborn'}]));
    const pid = Number(await until('it hangs', () => existsSync(started) && readFileSync(started, 'utf8')));
    await rig.host.restart('SIGKILL');
    rig.openTeam();
    expect(identityOf(pid)).not.toBeNull();
    const [attempt] = rig.host.attempts;
    rig.host.daemon.send({type: 'reap', request: 9, attempts: [attempt!]});
    await until('reaped', () => rig.host.daemon.heard('reaped').find(({request}) => request === 9));
    expect(identityOf(pid)).toBeNull();
    expect(rig.kept(1)).toEqual(['b.txt']);
    expect(await rig.run(2, [{write: {'c.txt': 'c\n'}}])).toMatchObject(SUCCESS);
    expect(rig.kept(2)).toEqual(['c.txt']);
    expect(rig.worktrees).toEqual(['godel-1']);
  });
});

test('who is stopped while it waits for its worktree needs none', async () => {
  await using rig = await AgentRig.start();
  const orders = Array.from({length: 40}, (_, index) => rig.order(index + 1, [{write: {'b.txt': 'b\n'}}]));
  rig.host.assign(...orders);
  for (const {attempt} of orders) rig.host.stop(attempt);
  for (const {attempt} of orders) {
    expect(await rig.host.daemon.outcome(attempt)).toMatchObject({...failing('stopped', {by: 'user'}), durationMs: 0});
  }
  expect(rig.worktrees.length).toBeLessThan(20);
  await rig.closeTeam();
});

test('the next attempt goes on with the session of one that was lost, where that has worked', async () => {
  await using rig = await AgentRig.start();
  const custom = {
    name: 'mine',
    command: [join(rig.host.folder, 'bin', 'claude'), '--session-id', '{session}'],
    promptBy: 'stdin',
    output: 'json-lines',
    fields: {session: 'session_id', text: 'result'},
    secrets: [],
    provider: null,
    memoryBytes: null,
  } as const;
  const team = {agentSettings: {...NO_AGENT_SETTINGS, runtimes: [custom]}};
  rig.openTeam(team);
  const [started, given] = [rig.mark, rig.mark];
  const lost = rig.order(1, [{write: {'b.txt': 'b\n'}}, {started}, {hang: ''}], {work: {runtime: 'mine'}});
  rig.host.assign(lost);
  await until('it hangs', () => existsSync(started));
  const {session} = await until('its session', () => reportsOf(rig, 'attempt-session')[0]);
  await rig.host.restart('SIGKILL');
  rig.openTeam(team);
  rig.host.daemon.send({type: 'reap', request: 9, attempts: [lost.attempt]});
  await until('reaped', () => rig.host.daemon.heard('reaped').find(({request}) => request === 9));
  const outcome = await rig.run(2, [{arguments: given}, {write: {'c.txt': 'c\n'}}, {say: 'Done.'}], {
    work: {runtime: 'mine', resume: session},
    workspace: {ref: `${dirname(rig.refOf(1))}/2`},
  });
  expect(outcome).toMatchObject({...SUCCESS, work: {files: 2}});
  expect(JSON.parse(readFileSync(given, 'utf8'))).toEqual(['--session-id', session.session]);
  expect(reportsOf(rig, 'attempt-session')[0]?.session).toEqual({...session, attempt: 2});
});

describe('secrets', () => {
  const team = {
    env: {NPM_TOKEN: 'npm-secret-1', ANTHROPIC_API_KEY: 'sk-ant-secret-2', PLAIN: 'visible', GIT_DIR: '/nowhere'},
    secrets: ['NPM_TOKEN', 'ANTHROPIC_API_KEY'],
  };

  test('go to the agent that needs them and to nobody else', async () => {
    await using rig = await AgentRig.start({team});
    const [first, second, third] = [rig.mark, rig.mark, rig.mark];
    const env = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    await rig.run(1, [{environment: first}], {verify: `env > ${second}`});
    expect(env(first)).toMatchObject({ANTHROPIC_API_KEY: 'sk-ant-secret-2', PLAIN: 'visible', GODEL_SPAWN: 'refused'});
    expect(Object.keys(env(first))).not.toContain('NPM_TOKEN');
    expect(Object.keys(env(first))).not.toContain('GIT_DIR');
    expect(readFileSync(second, 'utf8')).not.toMatch(/secret|GIT_DIR/);
    expect(readFileSync(second, 'utf8')).toContain('GODEL_SPAWN=refused');
    rig.openTeam({...team, allow: ['secret:NPM_TOKEN', 'spawn'], depth: 1});
    await rig.run(2, [{environment: third}]);
    expect(env(third)).toMatchObject({NPM_TOKEN: 'npm-secret-1', GODEL_SPAWN: '2'});
  });

  test('are shown nowhere, by whatever they are said', async () => {
    await using rig = await AgentRig.start({team});
    const said = 'the key is sk-ant-secret-2';
    const outcomes = await Promise.all([
      rig.run(1, [{say: said, print: `${said}\n`, complain: 'sk-ant-se'}, {complain: 'cret-2\n'}]),
      rig.run(2, [{result: {is_error: true, result: said}, exit: 1}]),
      rig.run(3, [{say: `{"approve": false, "comments": "${said}"}`}], {work: {isReview: true}}),
      rig.run(4, [{deny: said}]),
      rig.run(5, [], {verify: 'printf sk-ant-; sleep 0.2; echo secret-2; exit 1'}),
      rig.host.run(6, 'echo $NPM_TOKEN; echo $NPM_TOKEN >&2; exit 3'),
      rig.run(7, [{say: said}], {outputs: 'text', outputFile: 'outputs/7'}),
    ]);
    // The last line is told of what still runs.
    const end = rig.mark;
    const last = rig.host.run(8, `echo $NPM_TOKEN; until [ -e '${end}' ]; do sleep 0.05; done`);
    const told = () => rig.host.daemon.heard('progress').some(({lines}) => lines.some(({attempt}) => attempt === 8));
    await until('progress', told);
    writeFileSync(end, '');
    await last;
    const logs = [1, 2, 3, 4, 5, 6, 8].map(attempt => rig.host.logOf(attempt));
    const shown = JSON.stringify([outcomes, rig.host.daemon.messages, logs]);
    expect(shown).not.toContain('secret-1');
    expect(shown).not.toContain('secret-2');
    expect(outcomes[1]).toMatchObject(failing('agent-error', {detail: 'the key is ***'}));
    expect(outcomes[2]).toMatchObject({verdict: {comments: 'the key is ***'}});
    expect(outcomes[4]).toMatchObject(failing('verify-failed', {tail: expect.stringContaining('***') as string}));
    expect(outcomes[5]).toMatchObject(failing('command-failed', {tail: '***\n***'}));
    // What a task puts out is data for others, and must be what it is.
    expect(readFileSync(join(rig.host.teamFolder, 'outputs', '7'), 'utf8')).toBe(said);
  });
});

test('a command with a worktree is judged like an agent', async () => {
  await using rig = await AgentRig.start();
  const order = (attempt: number, script: string, workspace = {}) =>
    rig.inWorktree(rig.host.order(attempt, script, {cwd: ''}), workspace);
  rig.host.assign(
    order(1, 'echo two >> a.txt', {touches: {globs: ['a.txt'], policy: 'fail'}}),
    order(2, 'true', {change: 'required'}),
    order(3, 'echo two > b.txt; exit 3'),
  );
  expect(await rig.host.daemon.outcome(1)).toMatchObject({...SUCCESS, work: {files: 1, insertions: 1, deletions: 0}});
  expect(await rig.host.daemon.outcome(2)).toMatchObject({...failing('no-change'), work: null});
  expect(await rig.host.daemon.outcome(3)).toMatchObject({
    ...failing('command-failed', {exitCode: 3}),
    work: {files: 1},
  });
});

test('of the agents only those are not ready whose runtime is not there', async () => {
  await using rig = await AgentRig.start({team: {runtimes: ['claude', 'nonsense', 'pi']}});
  const agents = ['a', 'b', 'c', 'd', 'e'].map(agentId);
  const runtimes = {a: 'claude', b: 'nonsense', c: 'command', d: 'claude', e: 'pi'};
  rig.host.daemon.send({type: 'open-agents', teamId: teamId(1), agents, runtimes});
  await until('all are told of', () => reportsOf(rig, 'agents-failed').length === 2);
  expect(reportsOf(rig, 'agents-ready')).toEqual([{type: 'agents-ready', agents: ['a', 'c', 'd']}]);
  expect(reportsOf(rig, 'agents-failed')).toEqual([
    {type: 'agents-failed', agents: ['b'], detail: expect.stringContaining('There is no runtime nonsense') as string},
    {
      type: 'agents-failed',
      agents: ['e'],
      detail: expect.stringMatching(/^The runtime pi cannot be used here: .*npm install/) as string,
    },
  ]);
  rig.host.daemon.send({type: 'open-agents', teamId: teamId(1), agents: [agentId('f')]});
  await until('it is told of', () => reportsOf(rig, 'agents-failed').length === 3);
  expect(await rig.run(1, [], {work: {runtime: 'pi'}})).toMatchObject(failing('runtime-missing', {runtime: 'pi'}));
  expect(await rig.run(2, [], {work: {runtime: 'nonsense'}})).toMatchObject(failing('runtime-missing'));
});
