import {type ChildProcess, spawn} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import type {Readable} from 'node:stream';
import {sleep} from '../base/clock.ts';
import {fail, ok, type Result} from '../base/result.ts';
import {listensOn} from '../base/unix-socket.ts';
import type {Failure} from '../model/failure.ts';
import {readDaemonFile} from './daemon-file.ts';
import {DAEMON_EXIT, READY_FD, parseStartMessage, type StartMessage} from './daemon-start.ts';
import {logTail} from './log-tail.ts';
import {prepareFolders, unusable} from './prepare-folders.ts';
import {programEnvironment} from './program-environment.ts';
import {programFile} from './program-file.ts';
import {type ProjectPaths, projectPaths} from './project-paths.ts';
import {takeStartLock} from './start-lock.ts';

export interface LaunchOptions {
  readonly projectFolder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Loading the store of a huge team takes seconds; a machine under load makes it ten times that. */
const START_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** A daemon at work makes much that dies young; left to itself, the young generation grows with that and is not given back. */
const NODE_FLAGS = ['--max-semi-space-size=2'];

/** Returns when the project's daemon listens, having started it if need be. However many call at once start one. */
export async function launchDaemon({projectFolder, env = process.env}: LaunchOptions): Promise<Result<void, Failure>> {
  const paths = projectPaths(projectFolder, env);
  const prepared = prepareFolders(paths);
  if (!prepared.ok) return prepared;
  try {
    return await startUnderLock(paths, env);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return fail(unusable(paths.startLock, error));
    throw error;
  }
}

async function startUnderLock(
  paths: ProjectPaths,
  env: NonNullable<LaunchOptions['env']>,
): Promise<Result<void, Failure>> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (await listensOn(paths.socket)) return ok(undefined);
    const lock = takeStartLock(paths.startLock);
    if (!('heldBy' in lock)) {
      try {
        return (await listensOn(paths.socket)) ? ok(undefined) : await start(paths, env);
      } finally {
        lock.release();
      }
    }
    if (performance.now() > deadline) return fail(stillStarting(lock.heldBy.pid, paths));
    await sleep(POLL_MS);
  }
}

async function start(paths: ProjectPaths, env: NonNullable<LaunchOptions['env']>): Promise<Result<void, Failure>> {
  let log: number;
  try {
    log = openSync(paths.logFile, 'a', 0o600);
  } catch (error) {
    return fail(unusable(paths.logFile, error));
  }
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, programFile('daemon'), paths.folder, `--ready-fd=${READY_FD}`],
    {
      // A session of its own, and nothing of the caller's: no terminal, folder, pipes or variables.
      detached: true,
      cwd: '/',
      env: programEnvironment(env),
      stdio: ['ignore', log, log, 'pipe'],
    },
  );
  closeSync(log);
  child.unref();
  const outcome = await firstWord(child);
  if (outcome === 'ready') return ok(undefined);
  if (outcome === 'silent') return fail(stillStarting(child.pid ?? 0, paths));
  if ('failure' in outcome) return fail(outcome.failure);
  if (outcome.exitCode === DAEMON_EXIT.storeTaken) return waitForOther(paths);
  return fail(died(outcome, paths));
}

interface Died {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly detail: string;
}

/** What the new daemon says about its start, or how it ended without a word. */
function firstWord(child: ChildProcess): Promise<StartMessage | Died | 'silent'> {
  return new Promise(resolve => {
    // Of the four streams only this one is a pipe.
    const pipe = child.stdio[READY_FD] as Readable;
    let text = '';
    const settle = (outcome: StartMessage | Died | 'silent') => {
      clearTimeout(limit);
      pipe.destroy();
      child.removeAllListeners();
      resolve(outcome);
    };
    const limit = setTimeout(() => settle('silent'), START_LIMIT_MS);
    pipe.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const message = text.endsWith('\n') ? parseStartMessage(text) : null;
      if (message) settle(message);
    });
    pipe.on('error', () => undefined);
    child.once('error', error => settle({exitCode: null, signal: null, detail: error.message}));
    child.once('close', (exitCode, signal) => settle({exitCode, signal, detail: ''}));
  });
}

/** Another daemon holds the store: it is starting, or ending, or it listens where we do not look. */
async function waitForOther(paths: ProjectPaths): Promise<Result<void, Failure>> {
  const deadline = performance.now() + 5000;
  while (performance.now() < deadline) {
    if (await listensOn(paths.socket)) return ok(undefined);
    await sleep(POLL_MS);
  }
  const other = readDaemonFile(paths.daemonFile);
  return fail({
    reason: 'daemon-unreachable',
    detail: `Another process${other ? ` (${other.process.pid})` : ''} holds the store of this project but does not listen on ${paths.socket}.`,
    hint: other
      ? `End it with \`kill ${other.process.pid}\`, then try again.`
      : `Find it with \`fuser ${paths.storeFile}\`.`,
  });
}

function stillStarting(pid: number, {logFile}: ProjectPaths): Failure {
  return {
    reason: 'daemon-unreachable',
    detail: `Process ${pid} has been starting it for more than ${START_LIMIT_MS / 1000} s.`,
    hint: `See ${logFile}; \`kill ${pid}\` ends the attempt.`,
  };
}

function died({exitCode, signal, detail}: Died, {logFile}: ProjectPaths): Failure {
  const how = detail || (signal === null ? `exit code ${exitCode ?? 'unknown'}` : `signal ${signal}`);
  const tail = logTail(logFile, 3).join(' | ');
  return {
    reason: 'daemon-unreachable',
    detail: `It ended while starting (${how})${tail === '' ? '' : `: ${tail}`}`,
    hint: `See ${logFile}.`,
  };
}
