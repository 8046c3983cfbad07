import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {failureText} from '../../src/model/failure-text.ts';
import type {AgentEvents} from '../../src/runtimes/agent-runtime.ts';
import {agentRuntime} from '../../src/runtimes/registry.ts';
import {GeneratedRepository} from '../../test/end-to-end/generated-repository.ts';
import {type CliSetUp, setUpFor} from '../../test/model-server/cli-set-up.ts';
import {cliFolder} from '../../test/model-server/installed-clis.ts';
import {ModelServer} from '../../test/model-server/model-server.ts';
import {Rig} from '../../test/rig/rig.ts';
import {type BenchRow, median} from './table.ts';

const TASKS = 10;
const ROUNDS = 5;
const WITHIN_MS = 300_000;

/** The same prompts with the same command line of pi, one after the other: by hand, and by a team of one agent. */
export async function overheadRows(): Promise<BenchRow[]> {
  await using server = await ModelServer.start();
  const settings = mkdtempSync(join(tmpdir(), 'godel-cli-settings-'));
  try {
    const setUp = setUpFor('pi', server.url, settings);
    const env = {...setUp.env, PATH: `${cliFolder('pi') ?? ''}:${process.env['PATH'] ?? ''}`};
    await using rig = await Rig.create({env});
    const repository = GeneratedRepository.create(rig.folder, {env: rig.env, count: TASKS});
    await teamMs(rig, repository, {model: setUp.model, name: 'warm-up'});
    const byHand: number[] = [];
    const byTeam: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      byHand.push(await handMs(rig, {setUp, repository, round}));
      byTeam.push(await teamMs(rig, repository, {model: setUp.model, name: `round-${round}`}));
    }
    return [rowOf(median(byTeam) / TASKS, median(byHand) / TASKS)];
  } finally {
    rmSync(settings, {recursive: true, force: true});
  }
}

function rowOf(ours: number, anchor: number): BenchRow {
  return {
    what: `one prompt after the other, worktree, evidence and merge included: per attempt`,
    ours: `${ours.toFixed(0)} ms`,
    anchor: `${anchor.toFixed(0)} ms for the same command by hand`,
    ratio: `${(ours / anchor).toFixed(3)}×, ${(ours - anchor).toFixed(0)} ms more`,
    target: '≤ 1.05× or 100 ms',
    met: ours <= anchor * 1.05 || ours - anchor <= 100,
  };
}

const promptFor = (file: string): string =>
  `[task:${file}] Let the module greet.\nEDIT ${file}: export const greeting = 1;`;

/** From the agent's being ready, which is once for a team, until the last change is merged. */
async function teamMs(
  rig: Rig,
  {files}: GeneratedRepository,
  {model, name}: {model: string; name: string},
): Promise<number> {
  const tasks = Object.fromEntries(files.map((file, at) => [`task-${at}`, {prompt: promptFor(file)}]));
  const plan = {version: 1, name, agents: {coder: {count: 1, runtime: 'pi', model}}, tasks};
  const {team} = await rig.spawn({count: 1, plan, name});
  const view = await rig.waitFor(team, {withinMs: WITHIN_MS});
  if (view.tasks.succeeded !== TASKS) throw new Error(view.failures.map(({text}) => text).join('\n'));
  const events = await rig.client().events(team, {limit: 1000});
  if (!events.ok) throw new Error(failureText(events.failure));
  const atMs = (type: string): number => events.value.find(({body}) => body.type === type)?.atMs ?? Number.NaN;
  return atMs('team-finished') - atMs('team-ready');
}

/** Only the time of the commands themselves counts: their worktree is made before. */
async function handMs(
  rig: Rig,
  {setUp, repository, round}: {setUp: CliSetUp; repository: GeneratedRepository; round: number},
): Promise<number> {
  const cwd = join(rig.root, `by-hand-${round}`);
  repository.git('worktree', 'add', '--quiet', '--detach', cwd);
  let tookMs = 0;
  for (const [at, file] of repository.files.entries()) {
    const scratch = join(rig.root, `scratch-${round}-${at}`);
    mkdirSync(scratch);
    tookMs += await commandMs({prompt: promptFor(file), model: setUp.model, cwd, scratch, env: rig.env});
  }
  repository.git('worktree', 'remove', '--force', cwd);
  return tookMs;
}

async function commandMs(request: {
  prompt: string;
  model: string;
  cwd: string;
  scratch: string;
  env: Readonly<Record<string, string>>;
}): Promise<number> {
  const runtime = await agentRuntime('pi', NO_AGENT_SETTINGS);
  if (runtime === null) throw new Error('there is no runtime pi');
  const run = runtime.begin({...request, resume: null, allow: [], readOnly: false, maxUsd: null}, NOBODY_LISTENS);
  const started = performance.now();
  const child = spawn(run.file, run.args, {
    cwd: request.cwd,
    env: {...request.env, ...run.env},
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  if (run.stdin !== 'closed') child.stdin.end('all' in run.stdin ? run.stdin.all : run.stdin.first);
  else child.stdin.destroy();
  const code = await new Promise(resolve => child.once('close', resolve));
  if (code !== 0) throw new Error(`pi ended with ${String(code)}`);
  return performance.now() - started;
}

const NOBODY_LISTENS: AgentEvents = {activity: () => undefined, send: () => undefined, done: () => undefined};
