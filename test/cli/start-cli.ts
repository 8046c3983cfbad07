import {spawn} from 'node:child_process';
import {join} from 'node:path';
import type {CliResult, Rig} from '../rig/rig.ts';

export interface StartedCli {
  /** What has been printed so far. */
  readonly stdout: () => string;
  readonly ended: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
  /** Nobody reads any more. */
  closeStdout(): void;
}

/** A command line that runs beside the test, without a terminal. */
export function startCli(rig: Rig, args: readonly string[]): StartedCli {
  const program = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: rig.folder,
    env: rig.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({code, signal, stdout, stderr}));
  });
  return {
    stdout: () => stdout,
    ended,
    kill: signal => void child.kill(signal),
    closeStdout: () => void child.stdout.destroy(),
  };
}
