import {spawn} from 'node:child_process';
import {type Result, fail, ok} from '../base/result.ts';
import type {Environment} from './agent-runtime.ts';

const LIMIT_MS = 20_000;
const MAX_OUTPUT_BYTES = 256 * 1024;

export interface ProgramAnswer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program for its answer, for example `claude --version`, in a process group of its own that is ended when it takes
 * too long. A failure is a sentence: it could not be started, or gave no answer in time.
 */
export async function askProgram(
  file: string,
  args: readonly string[],
  {env, limitMs = LIMIT_MS}: {env: Environment; limitMs?: number},
): Promise<Result<ProgramAnswer, string>> {
  try {
    return await answerOf(file, args, {env, limitMs});
  } catch (error) {
    // `spawn` itself throws when the environment is too large for any program.
    return fail(`${file} could not be started: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function answerOf(
  file: string,
  args: readonly string[],
  {env, limitMs}: {env: Environment; limitMs: number},
): Promise<Result<ProgramAnswer, string>> {
  return new Promise(resolve => {
    const child = spawn(file, args, {env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe']});
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      endGroup(child.pid);
    }, limitMs);
    const stdout = keep(child.stdout);
    const stderr = keep(child.stderr);
    child.once('error', error => {
      clearTimeout(limit);
      resolve(fail(`${file} could not be started: ${error.message}`));
    });
    child.once('close', exitCode => {
      clearTimeout(limit);
      if (late) resolve(fail(`${file} gave no answer within ${limitMs / 1000} s`));
      else resolve(ok({exitCode, stdout: stdout(), stderr: stderr()}));
    });
  });
}

function keep(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < MAX_OUTPUT_BYTES) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended by itself in between.
  }
}
