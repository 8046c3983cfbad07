import {type ChildProcess, spawn} from 'node:child_process';
import {setPriority} from 'node:os';
import {createInterface} from 'node:readline';
import {backoffMs} from '../base/backoff.ts';
import {type Failure, GodelError} from '../model/failure.ts';
import type {TokenWanted} from '../hub/process/issue-token.ts';
import type {RunningNote} from '../hub/process/run-hub.ts';
import {programEnvironment} from '../project/program-environment.ts';
import {programFile} from '../project/program-file.ts';
import type {ProjectPaths} from '../project/project-paths.ts';
import type {Log} from './log.ts';

/** Between the end of a hub and the start of the next, in milliseconds. */
const BACKOFF = {baseMs: 200, maxMs: 30_000};
/** A hub that lasted so long has not failed at its start. */
const SETTLED_MS = 60_000;
/** How long a hub may take to end in order, in milliseconds. */
const END_MS = 10_000;
/** As for `nice`. */
const NICE = 5;
const TOKEN_MS = 3_600_000;

export interface HubEndpoint {
  readonly url: string;
  readonly tenantId: string;
  /** Good for an hour. */
  readonly token: string;
}

export interface ProjectHubParts {
  readonly paths: Pick<ProjectPaths, 'hubFile'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly random: () => number;
  /** More arguments for the hub; for tests. */
  readonly args?: readonly string[];
}

/** What a hub says on its standard output; see `src/hub/process/entry.ts`. */
type Line = {readonly ready: RunningNote} | {readonly failure: Failure} | {readonly event: unknown};

/**
 * The hub of a project: its database is `.godel/hub.db`, its one tenant the project. Started by the first who asks for it, started again
 * when it ends by itself, at the same port if that is still free; it ends with the daemon, however the daemon ends.
 */
export class ProjectHub {
  readonly #parts: ProjectHubParts;
  readonly #dbPath: string;
  readonly #listeners = new Set<(url: string) => void>();
  #child: ChildProcess | null = null;
  #ready: Promise<RunningNote> | null = null;
  #port = 0;
  #failures = 0;
  #again: NodeJS.Timeout | undefined;
  #ended: Promise<void> | null = null;

  constructor(parts: ProjectHubParts) {
    this.#parts = parts;
    this.#dbPath = parts.paths.hubFile;
  }

  /** Where somebody connects who speaks for agents beneath it, and its token. Rejects with a `GodelError` where no hub can be had. */
  async endpoint({agentId, tenantId}: Pick<TokenWanted, 'agentId' | 'tenantId'>): Promise<HubEndpoint> {
    const {url} = await this.#running();
    const {issueToken} = await import('../hub/process/issue-token.ts');
    const {token} = await issueToken(this.#dbPath, {agentId, tenantId, role: 'coordinator', lifetimeMs: TOKEN_MS});
    return {url, tenantId, token};
  }

  /** Tells the address of each hub that is started from now on. Answers how to stop listening. */
  onReady(listener: (url: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when it is gone. The second time is the same as the first. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #running(): Promise<RunningNote> {
    if (this.#ended !== null) throw new GodelError(unreachable('the daemon ends'));
    clearTimeout(this.#again);
    this.#again = undefined;
    try {
      this.#ready ??= this.#start();
    } catch (error) {
      // Such as no memory for another process.
      const detail = error instanceof Error ? error.message : String(error);
      this.#startLater(detail, 0);
      throw new GodelError(unreachable(detail));
    }
    return this.#ready;
  }

  #start(): Promise<RunningNote> {
    const {args = []} = this.#parts;
    const startedMs = performance.now();
    const port = String(this.#port);
    const child: ChildProcess = spawn(process.execPath, [programFile('hub'), this.#dbPath, '--port', port, ...args], {
      cwd: '/',
      env: programEnvironment(process.env),
      // It ends with its standard input, so that it does not outlive a daemon that is killed.
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    beNice(child.pid);
    this.#child = child;
    const ready = new Promise<RunningNote>((resolve, reject) => {
      let isGone = false;
      const gone = (how: number | string | null) => {
        if (isGone) return;
        isGone = true;
        reject(new GodelError(unreachable(`it ended with ${how ?? 'an unknown code'}`)));
        this.#gone(performance.now() - startedMs, how);
      };
      child.once('close', (code, signal) => gone(code ?? signal));
      child.once('error', error => gone(error.message));
      // A process that could not be started has neither.
      const {stdin, stdout} = child;
      stdin?.on('error', () => undefined);
      if (stdout === null) return;
      createInterface({input: stdout}).on('line', text => {
        const line = read(text);
        if (line === null) return;
        if ('event' in line) this.#parts.log.info({hub: line.event}, 'the hub says');
        else if ('ready' in line) {
          this.#port = Number(new URL(line.ready.url).port);
          resolve(line.ready);
          for (const listener of this.#listeners) listener(line.ready.url);
        } else {
          // Somebody else may have our port.
          this.#port = 0;
          reject(new GodelError(line.failure));
        }
      });
    });
    // Whoever waits is told; nobody may.
    ready.catch(() => undefined);
    return ready;
  }

  #gone(afterMs: number, how: number | string | null): void {
    this.#child = null;
    this.#ready = null;
    if (this.#ended === null) this.#startLater(how, afterMs);
  }

  #startLater(how: number | string | null, afterMs: number): void {
    this.#failures = afterMs > SETTLED_MS ? 1 : this.#failures + 1;
    const waitMs = Math.round(backoffMs(this.#failures, BACKOFF, this.#parts.random));
    this.#parts.log.warn({how, afterMs: Math.round(afterMs), waitMs}, 'the hub has ended; it is started again');
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.#running().catch(() => undefined), waitMs).unref();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#again);
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise(resolve => child.once('close', resolve));
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await gone;
    clearTimeout(timer);
  }
}

/** Nobody waits for it, and agents need the processors. */
function beNice(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // It has ended already, which is told elsewhere.
  }
}

function read(text: string): Line | null {
  try {
    // Written by the hub that we have started.
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}

function unreachable(detail: string): Failure {
  const hint = 'See .godel/daemon.log.';
  return {reason: 'daemon-unreachable', detail: `its hub cannot be had: ${detail}`, hint};
}
