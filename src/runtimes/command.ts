import {spawn} from 'node:child_process';
import {type Result, fail, ok} from '../base/result.ts';
import type {Command, Runtime} from './runtime.ts';
import {simpleCommand} from './simple-command.ts';

const PROBE_MS = 10_000;

type Shell = 'bash' | 'sh';

/**
 * Does a task by running its shell script: with `bash -e`, as GitHub Actions does, or `sh -e` where the team's PATH has
 * no bash; without any shell when the script is a plain command.
 */
export function commandRuntime({env}: {env: Readonly<Record<string, string>>}): Runtime {
  let shell: Shell = 'bash';
  return {
    async probe() {
      const bash = await tryShell('bash', env);
      shell = bash.ok ? 'bash' : 'sh';
      if (bash.ok) return bash;
      const sh = await tryShell('sh', env);
      return sh.ok
        ? sh
        : fail(`No shell runs here: ${bash.failure}; ${sh.failure}. PATH is ${env['PATH'] ?? 'not set'}.`);
    },
    commandFor(script): Command {
      return simpleCommand(script) ?? {file: shell, args: ['-e', '-c', script]};
    },
  };
}

/** Starts the shell and has it answer. An environment too large for any program makes `spawn` itself throw. */
async function tryShell(shell: Shell, env: Readonly<Record<string, string>>): Promise<Result<void, string>> {
  try {
    return await answerOf(shell, env);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function answerOf(shell: Shell, env: Readonly<Record<string, string>>): Promise<Result<void, string>> {
  return new Promise(resolve => {
    const child = spawn(shell, ['-e', '-c', 'echo ready'], {env, stdio: ['ignore', 'pipe', 'ignore'], cwd: '/'});
    const limit = setTimeout(() => child.kill('SIGKILL'), PROBE_MS);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once('error', error => {
      clearTimeout(limit);
      resolve(fail(error.message));
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(limit);
      if (exitCode === 0 && said.endsWith('ready\n')) resolve(ok(undefined));
      else resolve(fail(`${shell} ended with ${signal ?? `exit code ${exitCode ?? '?'}`}`));
    });
  });
}
