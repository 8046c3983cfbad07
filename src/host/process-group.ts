import {type ChildProcess, spawn} from 'node:child_process';
import type {Readable, Writable} from 'node:stream';
import {type Result, fail, ok} from '../base/result.ts';
import type {Command} from '../runtimes/runtime.ts';
import {signalProcess} from '../os/stray-processes.ts';

/** `closed`: there is none. `all`: this and nothing more. `first`: it stays open after this. */
export type StandardInput = 'closed' | {readonly all: string} | {readonly first: string};

/** Of what a program was sent and has not read; beyond that nothing more of what it says is read either. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface GroupOptions extends Command {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
  /** By default closed. */
  readonly stdin?: StandardInput;
  /** Listen from the first moment: Node throws away what a child without listeners has printed when it exits. */
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** It has been started, and has hardly run yet. */
  readonly onForked?: (pid: number) => void;
}

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartFailure {
  readonly code: string;
  readonly detail: string;
}

type Child = ChildProcess & {stdin: Writable | null; stdout: Readable; stderr: Readable};

/** A program running as the leader of a process group of its own. */
export class ProcessGroup {
  readonly pid: number;
  /** The leader is gone and collected; others of its group may live. */
  readonly exited: Promise<Exit>;
  /** Nobody holds its output open any more, and all of it has been read. */
  readonly drained: Promise<void>;
  readonly #child: Child;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(child: Child, pid: number) {
    this.pid = pid;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('error', outputLost);
    child.stdin?.on('error', inputUnread);
    this.exited = new Promise(resolve => {
      child.once('exit', (exitCode, signal) => {
        clearTimeout(this.#killTimer);
        resolve({exitCode, signal});
      });
    });
    this.drained = new Promise(resolve => child.once('close', () => resolve()));
  }

  /** Asks the group to end, and after the grace does not ask any more. `exited` tells when the leader has. */
  end(graceMs: number): void {
    if (this.#killTimer !== undefined) return;
    this.signal('SIGTERM');
    // What is stopped takes SIGTERM only after it goes on.
    this.signal('SIGCONT');
    this.#killTimer = setTimeout(() => this.signal('SIGKILL'), graceMs);
  }

  /** Writes to its standard input, unless it has closed that; who does not read is not listened to for so long. */
  write(text: string): void {
    const {stdin, stdout} = this.#child;
    if (!stdin?.writable || stdin.write(text) || stdin.writableLength < MAX_UNREAD_BYTES || stdout.isPaused()) return;
    stdout.pause();
    const goOn = () => stdout.resume();
    stdin.once('drain', goOn).once('close', goOn);
  }

  /** Nothing more comes on standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** False when no process of the group is left. */
  signal(signal: NodeJS.Signals | 0): boolean {
    return signalProcess(-this.pid, signal);
  }

  /** Stops listening to whoever still holds the output open. */
  abandonOutput(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }
}

/** Starts a program. The umask is the process's own, so it is changed just around the (synchronous) fork. */
export function startGroup(options: GroupOptions): Promise<Result<ProcessGroup, StartFailure>> {
  const {file, args, cwd, env, umask, stdin = 'closed', onStdout, onStderr, onForked} = options;
  return new Promise(resolve => {
    const ownUmask = process.umask(umask);
    try {
      const input = stdin === 'closed' ? 'ignore' : 'pipe';
      const child = spawn(file, args, {cwd, env, detached: true, stdio: [input, 'pipe', 'pipe']});
      const {pid} = child;
      if (pid === undefined || !hasOutput(child)) {
        // Without a free descriptor there are not even pipes.
        child.once('error', error => resolve(fail(startFailure(error))));
        return;
      }
      onForked?.(pid);
      child.stdout.on('data', onStdout);
      child.stderr.on('data', onStderr);
      // Made at once: `exit` must not happen before somebody listens.
      const group = new ProcessGroup(child, pid);
      if (stdin !== 'closed') begin(group, stdin);
      child.once('spawn', () => resolve(ok(group)));
    } catch (error) {
      // Most errors come as an event, E2BIG and invalid arguments are thrown.
      resolve(fail(startFailure(error)));
    } finally {
      process.umask(ownUmask);
    }
  });
}

function hasOutput(child: ChildProcess): child is Child {
  return child.stdout !== null && child.stderr !== null;
}

function begin(group: ProcessGroup, stdin: Exclude<StandardInput, 'closed'>): void {
  if ('first' in stdin) return group.write(stdin.first);
  group.write(stdin.all);
  group.endInput();
}

/** EPIPE: it has ended, or does not want to know. What has come of it says its exit. */
function inputUnread(): void {}

/** A read that failed ends the stream like any other end; how the program ended is what counts. */
function outputLost(): void {}

function startFailure(error: unknown): StartFailure {
  if (!(error instanceof Error && 'code' in error)) throw error;
  return {code: String(error.code), detail: error.message};
}
