import {existsSync} from 'node:fs';
import {resolve} from 'node:path';
import {sleep} from '../base/clock.ts';
import {formatDuration} from '../base/duration.ts';
import {printable} from '../host/printable.ts';
import {type ProcessGroup, startGroup} from '../host/process-group.ts';
import {GodelError} from '../model/failure.ts';
import {COOKIE_VARIABLE, endStrays} from '../os/stray-processes.ts';
import {commandRuntime} from '../runtimes/command.ts';
import type {MergeQueueOptions, Verdict} from '../workspace/merge.ts';

export interface VerifyOptions {
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** From the root of the worktree to where the script runs: empty, or like `packages/app/`. */
  readonly prefix: string;
  /** Null: no limit. */
  readonly timeoutMs: number | null;
  readonly umask: number;
  /** Marks its processes. The same for the same team after a restart, so that what a killed daemon left is found and ended. */
  readonly cookie: string;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

const TAIL_BYTES = 4096;
/** How long output may take to arrive when nothing that prints is left. */
const DRAIN_MS = 1000;

/**
 * What runs a plan's verify command for the merge queue, in a process group of its own. Nothing that it has started is left when it
 * answers. What keeps it from running at all is thrown: that says nothing about the change.
 */
export function verifyRunner(options: VerifyOptions): NonNullable<MergeQueueOptions['verify']> {
  const runtime = commandRuntime({env: options.env});
  let ready: Promise<void> | null = null;
  const prepare = async () => {
    const probed = await runtime.probe();
    if (!probed.ok)
      throw new GodelError({reason: 'spawn-failed', command: 'bash', code: 'ENOENT', detail: probed.failure});
    await endStrays({cookies: new Set([options.cookie]), graceMs: 0});
  };
  return async (folder, signal) => {
    ready ??= prepare();
    await ready.catch((error: unknown) => {
      ready = null;
      throw error;
    });
    signal.throwIfAborted();
    const cwd = resolve(folder, options.prefix);
    if (!existsSync(cwd)) return failed(null, `the folder ${options.prefix} is not there any more`);
    return run(options, {command: runtime.commandFor(options.script), cwd, signal});
  };
}

interface Run {
  readonly command: {readonly file: string; readonly args: readonly string[]};
  readonly cwd: string;
  readonly signal: AbortSignal;
}

async function run(options: VerifyOptions, {command, cwd, signal}: Run): Promise<Verdict> {
  const {env, umask, cookie, graceMs, timeoutMs} = options;
  const tail = new Tail();
  const onData = (chunk: Buffer) => tail.add(chunk);
  const started = await startGroup({
    ...command,
    cwd,
    env: {...env, PWD: cwd, [COOKIE_VARIABLE]: cookie},
    umask,
    stdin: 'closed',
    onStdout: onData,
    onStderr: onData,
  });
  if (!started.ok) {
    const {code, detail} = started.failure;
    // As a shell would say it.
    if (code === 'ENOENT') return failed(127, `${command.file}: command not found`);
    if (code === 'EACCES') return failed(126, `${command.file}: permission denied`);
    throw new GodelError({reason: 'spawn-failed', command: command.file, code, detail});
  }
  const group = started.value;
  const isLate = await exitOf(group, {timeoutMs, graceMs, signal});
  const {exitCode, signal: endedBy} = await group.exited;
  await endStrays({cookies: new Set([cookie]), graceMs});
  // What is left now has hidden its cookie.
  group.signal('SIGKILL');
  const drain = new AbortController();
  await Promise.race([group.drained, sleep(DRAIN_MS, {signal: drain.signal}).catch(() => undefined)]);
  drain.abort();
  group.abandonOutput();
  signal.throwIfAborted();
  if (isLate)
    return failed(null, `${tail.text}\nit ran longer than ${formatDuration(timeoutMs ?? 0)} and was stopped`.trim());
  if (exitCode === 0) return {ok: true, exitCode, tail: tail.text};
  return failed(exitCode, endedBy === null ? tail.text : `${tail.text}\nit was ended by ${endedBy}`.trim());
}

/** Ends the group when its time is up or nobody waits for it any more. True: its time was up. */
async function exitOf(
  group: ProcessGroup,
  {timeoutMs, graceMs, signal}: Pick<VerifyOptions, 'timeoutMs' | 'graceMs'> & {readonly signal: AbortSignal},
): Promise<boolean> {
  let isLate = false;
  const over = new AbortController();
  const onAbort = () => group.end(graceMs);
  signal.addEventListener('abort', onAbort, {once: true});
  if (signal.aborted) onAbort();
  const onTime = () => {
    isLate = true;
    group.end(graceMs);
  };
  if (timeoutMs !== null) void sleep(timeoutMs, {signal: over.signal}).then(onTime, () => undefined);
  await group.exited;
  over.abort();
  signal.removeEventListener('abort', onAbort);
  return isLate;
}

function failed(exitCode: number | null, tail: string): Verdict {
  return {ok: false, exitCode, tail};
}

/** The end of what a program prints. */
class Tail {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-TAIL_BYTES);
  }

  get text(): string {
    const start = this.#bytes.length < TAIL_BYTES ? 0 : this.#bytes.indexOf(0x0a) + 1;
    return printable(this.#bytes.subarray(start)).trimEnd();
  }
}
