import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync, lstatSync, rmSync} from 'node:fs';
import {sleep} from '../base/clock.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {tellingLine} from '../model/telling-line.ts';

export interface GitOptions {
  /** Absolute path: where git runs. */
  readonly cwd: string;
  /** Added to the environment, for example `GIT_INDEX_FILE`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings for this call, over those that all calls of ours have. */
  readonly config?: Readonly<Record<string, string>>;
  /** What git reads on its standard input; absent: nothing. */
  readonly input?: string | Buffer;
  /** Exit codes that are answers rather than failures; by default only 0. */
  readonly codes?: readonly number[];
  readonly timeoutMs?: number;
  /** Most bytes it may print; more is a failure. */
  readonly maxBytes?: number;
  /** Ends git when aborted. */
  readonly signal?: AbortSignal;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  /** Standard output as it came: files are not always text. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

const TIMEOUT_MS = 5 * 60_000;
const MAX_BYTES = 64 * 2 ** 20;
const MAX_STDERR = 64 * 2 ** 10;
/** With growing breaks in between: about a second. */
const MAX_TRIES = 7;
/** How long git may take to put its lock files away after SIGTERM. */
const KILL_AFTER_MS = 3000;

/**
 * What holds for every call whatever the user has configured. What decides about the contents of files (autocrlf, filters,
 * excludes) is left alone, so that a file means the same to us as in the user's own checkout.
 */
const CONFIG: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.splitIndex': 'false',
  'core.safecrlf': 'false',
  // Kept work survives a power cut: one flush for all new objects of a call.
  'core.fsync': 'committed,loose-object',
  'core.fsyncMethod': 'batch',
  'core.quotePath': 'false',
  'core.pager': 'cat',
  'core.editor': 'true',
  'core.logAllRefUpdates': 'false',
  'core.warnAmbiguousRefs': 'false',
  'commit.gpgSign': 'false',
  'tag.gpgSign': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'color.ui': 'false',
  'diff.noprefix': 'false',
  'diff.mnemonicPrefix': 'false',
  'diff.renames': 'true',
  'diff.ignoreSubmodules': 'none',
  'merge.conflictStyle': 'zdiff3',
  'merge.renames': 'true',
  'rerere.enabled': 'false',
  'submodule.recurse': 'false',
  'worktree.useRelativePaths': 'false',
  'status.showUntrackedFiles': 'all',
  'advice.detachedHead': 'false',
  'advice.addEmbeddedRepo': 'false',
  'user.name': 'godel',
  'user.email': 'godel@localhost',
};

const ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  SSH_ASKPASS: 'true',
  GIT_PAGER: 'cat',
  GIT_EDITOR: 'true',
  // `status` and `diff` would otherwise write the index that they look at.
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
};

/**
 * The one way in which godel runs git: without a shell, in the C locale, with bounded output and time, and independent of the
 * user's hooks, signing, prompts and editors and of any GIT_* variable around us.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<Result<GitAnswer, Failure>> {
  for (let tries = 1; ; tries += 1) {
    if (options.signal?.aborted) return failed(args, 'it was not begun, because its work is being ended');
    const done = await runOnce(args, options);
    if (done.ok || tries === MAX_TRIES || done.failure.reason !== 'git-failed') return done;
    const {detail} = done.failure;
    if (!isPassing(detail) && !(await outlastLock(detail))) return done;
    await sleep(Math.random() * 20 * 2 ** tries);
  }
}

/**
 * Whether git has stumbled over a worktree that another one was just making: for a moment its file `commondir` is there and empty,
 * and all that look at the worktrees of the repository die of it, before they have done anything.
 */
function isPassing(detail: string): boolean {
  return /failed to read .*commondir: /.test(detail);
}

/**
 * A ref is locked for milliseconds. What only godel writes is believed to be free again sooner than what people may write as
 * well, and is waited for.
 */
const LOCKS = [
  {of: /Unable to create '(.+\/refs\/(?:godel|godel-merged)\/.+\.lock)': File exists/, staleMs: 5000, waitMs: 5000},
  {of: /Unable to create '(.+\/refs\/heads\/godel\/.+\.lock)': File exists/, staleMs: 30_000, waitMs: 0},
];

/** Removes the lock of a git that was killed, if it is of a ref of ours. Returns whether it may be tried again. */
async function outlastLock(detail: string): Promise<boolean> {
  for (const {of, staleMs, waitMs} of LOCKS) {
    const lock = of.exec(detail)?.[1];
    if (lock === undefined) continue;
    const madeMs = madeAt(lock);
    const restMs = madeMs === null ? 0 : madeMs + staleMs - Date.now();
    if (restMs > waitMs) return false;
    await sleep(Math.max(0, restMs));
    if (madeMs !== null && madeAt(lock) === madeMs) rmSync(lock, {force: true});
    return true;
  }
  return false;
}

function madeAt(lock: string): number | null {
  return lstatSync(lock, {throwIfNoEntry: false})?.mtimeMs ?? null;
}

function runOnce(args: readonly string[], options: GitOptions): Promise<Result<GitAnswer, Failure>> {
  return new Promise(resolve => {
    const child = spawn('git', args, {
      cwd: options.cwd,
      env: gitEnvironment(options),
      // A group of its own: what git starts (filters, hooks of submodules) ends with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const run = watch(child, options);
    child.once('error', error => run.settle(() => resolve(fail(startFailure(error, options.cwd)))));
    child.once('close', (code, signal) =>
      run.settle(() => {
        if (run.ended !== null) resolve(failed(args, run.ended));
        else if (code === null) resolve(failed(args, `it was ended by ${signal ?? 'a signal'}`));
        else resolve(answer(args, options, answerOf(code, run)));
      }),
    );
    // git may end before it has read everything; its exit code tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** What git printed, without the line break at its end. */
export async function gitText(args: readonly string[], options: GitOptions): Promise<Result<string, Failure>> {
  const done = await git(args, options);
  return done.ok ? ok(done.value.stdout.replace(/\r?\n$/, '')) : done;
}

/** What git printed with `-z`: paths, each ended by a NUL. */
export async function gitPaths(args: readonly string[], options: GitOptions): Promise<Result<string[], Failure>> {
  const done = await git(args, options);
  return done.ok ? ok(done.value.stdout.split('\0').filter(path => path !== '')) : done;
}

/** Older ones have no `git merge-tree --write-tree`. */
const OLDEST: readonly [number, number] = [2, 38];

/** Whether there is a git that is new enough; its version. */
export async function gitVersion(cwd: string): Promise<Result<string, Failure>> {
  const said = await gitText(['version'], {cwd, timeoutMs: 20_000});
  if (!said.ok) return said;
  const [version, major, minor] = /(\d+)\.(\d+)[.\d]*/.exec(said.value) ?? [said.value, '0', '0'];
  const isNew = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  if (isNew) return ok(version);
  const needed = OLDEST.join('.');
  return fail({
    reason: 'git-failed',
    detail: `git ${version} is too old, coding agents need ${needed} or newer`,
    hint: 'install a newer git and put it first on PATH',
  });
}

function answerOf(exitCode: number, run: {stdout: () => Buffer; stderr: () => string}): GitAnswer {
  const bytes = run.stdout();
  return {
    exitCode,
    bytes,
    get stdout() {
      return bytes.toString('utf8');
    },
    stderr: run.stderr(),
  };
}

function answer(args: readonly string[], options: GitOptions, done: GitAnswer): Result<GitAnswer, Failure> {
  if ((options.codes ?? [0]).includes(done.exitCode)) return ok(done);
  const line = tellingLine(done.stderr, 300) ?? tellingLine(done.stdout, 300);
  return failed(args, line ?? `it exited with code ${done.exitCode} and printed nothing`, hintFor(done.stderr));
}

function failed(args: readonly string[], detail: string, hint?: string): Result<never, Failure> {
  return fail({
    reason: 'git-failed',
    detail: `git ${commandOf(args)}: ${detail}`,
    ...(hint === undefined ? {} : {hint}),
  });
}

/** `worktree add` of a whole command line: what it was for, without paths and options. */
function commandOf(args: readonly string[]): string {
  const words = args.filter(arg => /^[a-z][a-z-]*$/.test(arg));
  return words.slice(0, words[0] === 'worktree' || words[0] === 'submodule' ? 2 : 1).join(' ');
}

function hintFor(stderr: string): string | undefined {
  if (/detected dubious ownership/.test(stderr)) {
    const folder = /'([^'\n]+)'/.exec(stderr)?.[1] ?? 'FOLDER';
    return `the repository belongs to another user; if you trust it: git config --global --add safe.directory ${folder}`;
  }
  if (/No space left on device|Disk quota exceeded/.test(stderr)) return 'make room on the disk';
  if (/\.lock': File exists/.test(stderr)) {
    return 'another git is at work in this repository, or was killed there; remove the lock file if none is';
  }
  return undefined;
}

function startFailure(error: Error, cwd: string): Failure {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' && !existsSync(cwd)) return {reason: 'git-failed', detail: `there is no folder ${cwd}`};
  if (code === 'ENOENT') {
    return {
      reason: 'git-failed',
      detail: 'git is not installed, or not on PATH',
      hint: `install git ${OLDEST.join('.')} or newer`,
    };
  }
  return {reason: 'git-failed', detail: `it could not be started: ${error.message}`};
}

function gitEnvironment({env, config}: GitOptions): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) if (!name.startsWith('GIT_')) result[name] = value;
  Object.assign(result, ENVIRONMENT, env);
  const entries = Object.entries({...CONFIG, ...config});
  result['GIT_CONFIG_COUNT'] = String(entries.length);
  for (const [index, [key, value]] of entries.entries()) {
    result[`GIT_CONFIG_KEY_${index}`] = key;
    result[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return result;
}

/** Collects what a git prints, and ends it when it prints or takes too much, or when nobody wants its answer any more. */
function watch(child: ChildProcess, {timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, signal}: GitOptions) {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let outBytes = 0;
  let errBytes = 0;
  let killTimer: NodeJS.Timeout | undefined;
  const run = {
    /** Why we have ended it. */
    ended: null as string | null,
    stdout: () => Buffer.concat(out),
    stderr: () => Buffer.concat(err).toString('utf8'),
    settle: (then: () => void) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
      then();
    },
  };
  const end = (why: string) => {
    if (run.ended !== null) return;
    run.ended = why;
    killGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  };
  const onAbort = () => end('it was ended, because its work is being ended');
  const timer = setTimeout(() => end(`it took more than ${Math.round(timeoutMs / 1000)} s and was ended`), timeoutMs);
  signal?.addEventListener('abort', onAbort, {once: true});
  child.stdout?.on('data', (chunk: Buffer) => {
    outBytes += chunk.length;
    if (outBytes > maxBytes) end(`it printed more than ${maxBytes} bytes and was ended`);
    else out.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    // The end tells most, but a flood must not be kept.
    err.push(chunk);
    errBytes += chunk.length;
    while (errBytes > MAX_STDERR && err.length > 1) errBytes -= err.shift()?.length ?? 0;
  });
  return run;
}

function killGroup({pid}: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
