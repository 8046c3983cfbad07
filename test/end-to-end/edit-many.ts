import {existsSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import type {TeamView} from '../../src/model/team-view.ts';
import {type Cli, type CliSetUp, setUpFor} from '../model-server/cli-set-up.ts';
import type {Fault, Faults} from '../model-server/fault.ts';
import {cliFolder} from '../model-server/installed-clis.ts';
import type {Ledger} from '../model-server/ledger.ts';
import {ModelServer, type ModelServerOptions} from '../model-server/model-server.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';
import {GeneratedRepository} from './generated-repository.ts';
import {type MemoryPeaks, MemoryWatch} from './memory-peaks.ts';

export interface EditMany extends Pick<ModelServerOptions, 'faults' | 'throttle' | 'latencyMs'> {
  readonly cli: Cli;
  readonly agents: number;
  /** One task each. */
  readonly files: number;
  readonly withinMs: number;
  /** What is asked for each file; by default to change it. */
  readonly taskFor?: (file: string) => object;
}

/** What has become of it, seen from outside: from the branch, the server's books and what is left on the machine. */
export interface EditManyReport {
  readonly view: TeamView;
  readonly ledger: Ledger;
  /** Modules on the merged branch that say what their task wanted. */
  readonly edits: number;
  readonly commits: readonly string[];
  readonly checkoutUntouched: boolean;
  /** The user's own is one. */
  readonly worktrees: number;
  readonly worktreeFolders: readonly string[];
  /** Command lines of what still ran when godel's daemon had been stopped. */
  readonly processes: readonly string[];
  readonly memory: MemoryPeaks;
  readonly tookMs: number;
}

/** What can go wrong with a request without ending a task: the CLIs try again by themselves. */
const PASSING_FAULTS: readonly Fault[] = [
  {kind: 'throttled'},
  {kind: 'throttled', retryAfter: 1},
  {kind: 'overloaded'},
  {kind: 'unavailable'},
  {kind: 'reset'},
  {kind: 'wrong-tool'},
  {kind: 'cut'},
  {kind: 'garbage'},
  {kind: 'error-in-stream'},
];

export const ONE_IN_TEN: Faults = {rate: 0.1, seed: 3, of: PASSING_FAULTS};

/** Lets a team change each file of a repository by a real coding-agent CLI, and ends all of it. */
export async function editMany(options: EditMany): Promise<EditManyReport> {
  await using server = await ModelServer.start(options);
  const settings = mkdtempSync(join(tmpdir(), 'godel-cli-settings-'));
  try {
    return await editWith(server, {...options, ...setUpFor(options.cli, server.url, settings)});
  } finally {
    rmSync(settings, {recursive: true, force: true});
  }
}

async function editWith(server: ModelServer, options: EditMany & CliSetUp): Promise<EditManyReport> {
  const {cli, agents, files, withinMs, taskFor = editTask, env, model} = options;
  await using rig = await Rig.create({env: {...env, PATH: `${cliFolder(cli) ?? ''}:${process.env['PATH'] ?? ''}`}});
  const repository = GeneratedRepository.create(rig.folder, {env: rig.env, count: files});
  using memory = new MemoryWatch(rig.root);
  const started = performance.now();
  const {team} = await rig.spawn({count: agents, plan: planOf(repository, {cli, agents, model, taskFor})});
  const view = await rig.waitFor(team, {withinMs});
  const tookMs = performance.now() - started;
  const branch = `godel/${team}`;
  await rig.godel(['daemon', 'stop', '--force']);
  const pool = join(rig.folder, '.godel', 'worktrees');
  return {
    view,
    ledger: server.ledger,
    edits: repository.greetingsOn(branch, join(rig.root, 'clone')),
    commits: repository.commitsOn(branch),
    checkoutUntouched: repository.isUntouched,
    worktrees: repository.worktrees,
    worktreeFolders: existsSync(pool) ? readdirSync(pool) : [],
    processes: await processesLeft(rig),
    memory: memory.peaks,
    tookMs,
  };
}

async function processesLeft(rig: Rig): Promise<readonly string[]> {
  const gone = until('everything has ended', () => processesOf(rig.root).length === 0, {withinMs: 10_000});
  await gone.catch(() => undefined);
  return processesOf(rig.root).map(({command}) => command);
}

function planOf(
  {files}: GeneratedRepository,
  {cli, agents, model, taskFor}: {cli: Cli; agents: number; model: string; taskFor: (file: string) => object},
): object {
  return {
    version: 1,
    name: `edit-${cli}`,
    verify: 'node check.mjs',
    agents: {coder: {count: agents, runtime: cli, model}},
    tasks: Object.fromEntries(files.map(file => [idOf(file), taskFor(file)])),
  };
}

/** Each task has a check of its own; the branch has one for all. */
export function editTask(file: string): EditTask {
  const greeting = `export const greeting = 'hello from ${basename(file)}';`;
  return {
    prompt: `Let the module greet [task:${idOf(file)}]\nEDIT ${file}: ${greeting}`,
    verify: `node --input-type=module -e "const {greeting} = await import('./${file}'); process.exit(greeting ? 0 : 1)"`,
    touches: file,
    change: 'required',
    retries: 3,
  };
}

export interface Hardship {
  /** How long the one that hangs may take: more than an attempt that does its work, with all the others beside it. */
  readonly timeout: string;
  /** How many requests of one task are turned away: more than pi tries again by itself. */
  readonly throttled: number;
}

/** Three tasks in which the CLI cannot help itself, so that godel must; the others are as always. */
export function hardTask(hardship: Hardship): (file: string) => EditTask {
  const hard = hardTasks(hardship);
  return file => {
    const task = editTask(file);
    const trouble = hard[idOf(file)];
    return trouble === undefined ? task : {...task, ...trouble.limits, prompt: `${task.prompt}\n${trouble.order}`};
  };
}

interface EditTask {
  readonly prompt: string;
  readonly [key: string]: unknown;
}

function hardTasks({timeout, throttled}: Hardship): Readonly<Record<string, {order: string; limits: object}>> {
  return {
    // Only the time limit of the task ends it.
    'module-01': {order: 'FAULT hang', limits: {retries: 6, timeout}},
    'module-02': {order: 'FAULT refusal', limits: {retries: 1}},
    // No retry may be used up by it.
    'module-03': {order: `FAULT throttled ${throttled}`, limits: {retries: 0}},
  };
}

function idOf(file: string): string {
  return basename(file, '.mjs');
}
