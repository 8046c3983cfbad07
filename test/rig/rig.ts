import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ApiClient, type ClientOptions} from '../../src/api/client.ts';
import type {SpawnRequest} from '../../src/api/contract.ts';
import {followTeam} from '../../src/api/feed-client.ts';
import {failureText} from '../../src/model/failure-text.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {isAlive} from '../../src/os/process-identity.ts';
import {readDaemonFile} from '../../src/project/daemon-file.ts';
import {explainSilence} from '../../src/project/explain-silence.ts';
import {launchDaemon} from '../../src/project/launch-daemon.ts';
import {type ProjectPaths, projectPaths} from '../../src/project/project-paths.ts';
import {processesOf} from './rig-processes.ts';
import {until} from './until.ts';

export interface RigOptions {
  readonly git?: boolean;
  /** Below the rig's folder; made with its parents. */
  readonly projectName?: string;
  /** Added to the environment of everything the rig starts, for example settings. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const REPOSITORY = join(import.meta.dirname, '..', '..');

/** The version that the built programs carry. */
export const VERSION = (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {version: string})
  .version;

/**
 * A project of its own with the built program: temporary folders for the project, HOME and sockets, and a scrubbed
 * environment. When it is disposed of it ends what it has started and fails if anything else was left running.
 */
export class Rig implements AsyncDisposable {
  readonly root: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(root: string, {projectName = 'project', env = {}}: RigOptions) {
    this.root = root;
    this.folder = join(root, projectName);
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: join(root, 'home'),
      XDG_RUNTIME_DIR: join(root, 'run'),
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
      // A process less in each test that is not about it.
      GODEL_HUB: 'off',
      ...env,
    };
  }

  static create(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(realpathSync(mkdtempSync(join(tmpdir(), 'godel-rig-'))), options);
    for (const folder of ['home', 'run']) mkdirSync(join(rig.root, folder), {mode: 0o700});
    mkdirSync(rig.folder, {recursive: true});
    if (options.git) execFileSync('git', ['init', '--quiet', rig.folder], {env: rig.env});
    return Promise.resolve(rig);
  }

  /** Read anew each time: a daemon may have settled on another runtime folder. */
  get paths(): ProjectPaths {
    return projectPaths(this.folder, this.env);
  }

  /** Runs the command line in the project's folder. */
  godel(
    args: readonly string[],
    {input = '', env = {}, timeoutMs = 60_000}: {input?: string; env?: Record<string, string>; timeoutMs?: number} = {},
  ): Promise<CliResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(REPOSITORY, 'bin', 'godel.js'), ...args], {
        cwd: this.folder,
        env: {...this.env, ...env},
        timeout: timeoutMs,
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({code, signal, stdout, stderr}));
    });
  }

  /** A client that starts the daemon when none is running. */
  client(options: Partial<ClientOptions> = {}): ApiClient {
    const {paths} = this;
    return new ApiClient({
      socket: paths.socket,
      projectId: paths.projectId,
      version: VERSION,
      start: () => this.launch(),
      explainSilence: () => explainSilence(paths),
      ...options,
    });
  }

  launch() {
    return launchDaemon({projectFolder: this.folder, env: this.env});
  }

  /** Spawns a team of the plan; throws when that is refused. */
  async spawn(request: Partial<SpawnRequest> = {}): Promise<TeamView> {
    const spawned = await this.client().spawn({count: 4, cwd: this.folder, umask: 0o022, env: this.env, ...request});
    if (!spawned.ok) throw new Error(failureText(spawned.failure));
    return spawned.value;
  }

  /** Follows a team until it is over, and returns its last view. */
  async waitFor(team: string, {withinMs = 90_000}: {withinMs?: number} = {}): Promise<TeamView> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), withinMs);
    let last = 'nothing';
    try {
      for await (const message of followTeam(this.client(), {team, signal: abort.signal})) {
        if (message.type === 'view' && message.view.outcome !== null) return message.view;
        last = JSON.stringify(message);
        if (message.type === 'error') break;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`team ${team} was not over within ${withinMs} ms; last: ${last}`);
  }

  /** Null when no daemon is running. */
  daemonPid(): number | null {
    const identity = readDaemonFile(this.paths.daemonFile)?.process;
    return identity && isAlive(identity) ? identity.pid : null;
  }

  /** What is in the daemon's log. */
  log(): string {
    return readFileSync(this.paths.logFile, 'utf8');
  }

  /** Writes `godel.yaml` and returns its path. */
  writePlan(yaml: string): string {
    const file = join(this.folder, 'godel.yaml');
    writeFileSync(file, yaml);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endDaemon();
    const left = await this.#leftOver();
    for (const {pid} of left) kill(pid, 'SIGKILL');
    rmSync(this.root, {recursive: true, force: true, maxRetries: 3});
    if (left.length > 0) {
      throw new Error(`processes were left running:\n${left.map(({pid, command}) => `${pid} ${command}`).join('\n')}`);
    }
  }

  async #endDaemon(): Promise<void> {
    const pid = this.daemonPid();
    if (pid === null) {
      for (const {pid: host, command} of processesOf(this.root)) if (command.includes('host.js')) kill(host, 'SIGTERM');
      return;
    }
    kill(pid, 'SIGCONT');
    const {socket, projectId, version} = this.client().options;
    await new ApiClient({socket, projectId, version, timeoutMs: 10_000}).stopDaemon({force: true});
  }

  /** What is still there after everything has had time to end. */
  async #leftOver() {
    await until('everything has ended', () => processesOf(this.root).length === 0, {withinMs: 15_000}).catch(
      () => undefined,
    );
    return processesOf(this.root);
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
