import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {expect} from 'vitest';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {Vitals} from '../../src/model/health.ts';
import {agentId, type AttemptId, attemptId, teamId} from '../../src/model/ids.ts';
import {cookieOf, findByCookie} from '../../src/os/stray-processes.ts';
import {acceptJsonSockets, jsonRoute} from '../../src/wire/accept-json-sockets.ts';
import {
  type AttemptOrder,
  type DaemonMessage,
  HOST_PROTOCOL,
  type HostLimits,
  type HostMessage,
  hostMessageSchema,
  type Report,
  type TeamOpening,
} from '../../src/wire/host-protocol.ts';
import type {JsonSocket} from '../../src/wire/json-socket.ts';
import {until} from '../rig/until.ts';

const TEAM = teamId(1);

export const LIMITS: HostLimits = {
  graceMs: 20_000,
  killGraceMs: 300,
  logCapBytes: 1024 * 1024,
  outputCapBytes: 64 * 1024,
  spawnConcurrency: 4,
};

type Message<T extends HostMessage['type']> = Extract<HostMessage, {type: T}>;

/** A daemon as far as a host can tell: takes its connections, keeps what it says, acknowledges when told to. */
export class TestDaemon {
  readonly messages: HostMessage[] = [];
  /** Reports by number; a report that comes again must say the same. */
  readonly reports = new Map<number, Report>();
  readonly #server: Server;
  readonly #accepting: {close(): void};
  readonly #limits: HostLimits;
  #socket: JsonSocket<DaemonMessage, HostMessage> | undefined;
  connections = 0;
  acknowledges = true;
  refuses = false;
  /** Cuts every connection over which a report comes. */
  rejects = false;

  static async listen(socketPath: string, limits: HostLimits = LIMITS): Promise<TestDaemon> {
    const daemon = new TestDaemon(limits);
    await new Promise<void>(done => daemon.#server.listen(socketPath, done));
    return daemon;
  }

  private constructor(limits: HostLimits) {
    this.#limits = limits;
    this.#server = createServer();
    this.#accepting = acceptJsonSockets(this.#server, {
      routes: {
        '/v1/host': jsonRoute<DaemonMessage, HostMessage>(
          value => hostMessageSchema.parse(value),
          socket => {
            this.connections += 1;
            this.#socket = socket;
            socket.onMessage(message => this.#receive(message));
          },
        ),
      },
      authorize: () => null,
      deadAfterMs: 10_000,
    });
  }

  send(message: DaemonMessage): void {
    this.#socket?.send(message);
  }

  /** As if by kill -9: no goodbye, and nobody listens any more. */
  async kill(): Promise<void> {
    this.#accepting.close();
    await new Promise(done => this.#server.close(done));
  }

  heard<T extends HostMessage['type']>(type: T): Message<T>[] {
    return this.messages.filter((message): message is Message<T> => message.type === type);
  }

  /** What it has last said of an attempt. */
  vitals(attempt: number): Vitals | undefined {
    return this.heard('vitals')
      .flatMap(({vitals}) => vitals)
      .findLast(vitals => vitals.attempt === attempt);
  }

  finished(attempt: number): AttemptOutcome | undefined {
    for (const report of this.reports.values()) {
      if (report.type === 'attempt-finished' && report.attempt === attempt) return report.outcome;
    }
    return undefined;
  }

  outcome(attempt: number): Promise<AttemptOutcome> {
    return until(`attempt ${attempt} finished`, () => this.finished(attempt));
  }

  #receive(message: HostMessage): void {
    this.messages.push(message);
    if (message.type === 'hello') {
      this.send(
        this.refuses
          ? {type: 'refuse', detail: 'not wanted'}
          : {type: 'welcome', protocol: HOST_PROTOCOL.max, build: 'test', limits: this.#limits},
      );
    }
    if (message.type !== 'reports') return;
    if (this.rejects) {
      void this.#socket?.close({code: 1008, detail: 'not to be understood'});
      return;
    }
    message.reports.forEach((report, index) => {
      const number = message.first + index;
      const before = this.reports.get(number);
      if (before) expect(report).toEqual(before);
      this.reports.set(number, report);
    });
    if (this.acknowledges) this.send({type: 'ack', report: message.first + message.reports.length - 1});
  }
}

export interface HostOptions {
  readonly limits?: HostLimits;
  readonly program?: string;
  readonly env?: Record<string, string>;
}

/** A real host process with a test's daemon, a project folder and one open team. */
export class HostRig implements AsyncDisposable {
  readonly folder: string;
  readonly socketPath: string;
  readonly teamFolder: string;
  /** The project's folder, in which tasks run. */
  readonly work: string;
  readonly storeId = `rig-${process.pid}-${Math.random().toString(36).slice(2)}`;
  exited: Promise<number | null>;
  readonly #options: HostOptions;
  #host: ChildProcess;
  #daemon: TestDaemon;
  #attempts = new Set<number>();
  #log = '';

  static async start(options: HostOptions = {}) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-host-')));
    const daemon = await TestDaemon.listen(join(folder, 'd.sock'), options.limits);
    const rig = new HostRig(folder, daemon, options);
    await until('a hello', () => daemon.heard('hello')[0]);
    rig.openTeam();
    return rig;
  }

  private constructor(folder: string, daemon: TestDaemon, options: HostOptions) {
    this.folder = folder;
    this.socketPath = join(folder, 'd.sock');
    this.teamFolder = join(folder, 'teams', '1');
    this.work = join(folder, 'work');
    // What a daemon leaves behind unless it ends in order.
    mkdirSync(join(this.work, '.godel'), {recursive: true});
    writeFileSync(join(this.work, '.godel', 'daemon.json'), '{}');
    this.#daemon = daemon;
    this.#options = options;
    this.#host = this.#start();
    this.exited = exitOf(this.#host);
  }

  #start(): ChildProcess {
    const {program = resolve('dist/host.js'), env = {}} = this.#options;
    const args = ['--project', this.work, '--project-id', 'p1', '--socket', this.socketPath];
    const host = spawn(process.execPath, [program, ...args, '--store-id', this.storeId, '--host-id', 'h-1'], {
      cwd: '/',
      env: {PATH: process.env['PATH'], HOME: this.folder, XDG_RUNTIME_DIR: this.folder, ...env},
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    host.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    return host;
  }

  /** Ends the host and starts another one, which knows nothing of what that did. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    this.#host.kill(signal);
    await this.exited;
    // The next one counts its reports from 1 again.
    this.daemon.reports.clear();
    const before = this.daemon.heard('hello').length;
    this.#host = this.#start();
    this.exited = exitOf(this.#host);
    await until('a hello', () => this.daemon.heard('hello').length > before);
  }

  get daemon(): TestDaemon {
    return this.#daemon;
  }

  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#host.pid!;
  }

  openTeam(env: Record<string, string> = {}, umask = 0o022, more: Partial<TeamOpening> = {}): void {
    const team = {
      ...more,
      teamId: TEAM,
      name: 'audit',
      env: {PATH: process.env['PATH'] ?? '', ...env},
      umask,
      folder: this.teamFolder,
    };
    this.daemon.send({type: 'open-team', team});
  }

  /** An order of an attempt with this number, of the script, as the plan's simplest task would make it. */
  order(attempt: number, script: string, changes: Partial<AttemptOrder> = {}): AttemptOrder {
    this.#attempts.add(attempt);
    return {
      attempt: attemptId(attempt),
      teamId: TEAM,
      task: `task-${attempt}`,
      agent: agentId('audit-01'),
      number: 1,
      work: {kind: 'command', script},
      verify: null,
      env: {},
      cwd: this.work,
      outputs: null,
      timeoutMs: null,
      logFile: `logs/${attempt}.log`,
      outputFile: null,
      inputs: [],
      traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
      ...changes,
    };
  }

  assign(...orders: AttemptOrder[]): void {
    this.daemon.send({type: 'assign', orders});
  }

  /** Runs one attempt to its end. */
  run(attempt: number, script: string, changes: Partial<AttemptOrder> = {}): Promise<AttemptOutcome> {
    this.assign(this.order(attempt, script, changes));
    return this.daemon.outcome(attempt);
  }

  stop(attempt: number): void {
    this.daemon.send({type: 'stop', attempts: [attemptId(attempt)], by: 'user'});
  }

  pause(attempt: number, paused: boolean): void {
    this.daemon.send({type: 'pause', attempts: [attemptId(attempt)], paused});
  }

  /** Kills the daemon without a word and starts another one on the same socket. */
  async restartDaemon(limits: HostLimits = LIMITS): Promise<TestDaemon> {
    await this.#daemon.kill();
    this.#daemon = await TestDaemon.listen(this.socketPath, limits);
    return this.#daemon;
  }

  logOf(attempt: number): string {
    const file = join(this.teamFolder, 'logs', `${attempt}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Those that were ordered so far. */
  get attempts(): readonly AttemptId[] {
    return [...this.#attempts].map(attemptId);
  }

  /** Processes of the attempts so far that live now. */
  processes(): number[] {
    const cookies = new Set([...this.#attempts].map(attempt => cookieOf(this.storeId, attempt)));
    return findByCookie(cookies).map(({pid}) => pid);
  }

  signal(signal: NodeJS.Signals): void {
    this.#host.kill(signal);
  }

  /** Ends the host as its daemon would; nothing of its attempts may be left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.daemon.send({type: 'shutdown'});
    const late = setTimeout(() => this.#host.kill('SIGKILL'), 10_000);
    const code = await this.exited;
    clearTimeout(late);
    await this.daemon.kill();
    const left = this.processes();
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, {recursive: true, force: true, maxRetries: 5});
    expect({code, left, log: this.#log}).toEqual({code: 0, left: [], log: this.#log});
  }
}

function exitOf(process: ChildProcess): Promise<number | null> {
  return new Promise(done => process.once('exit', code => done(code)));
}
