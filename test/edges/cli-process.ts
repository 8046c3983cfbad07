import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process';
import {join} from 'node:path';
import type {CliResult, Rig} from '../rig/rig.ts';

export const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');

/** A command line that runs while the test goes on, to be signalled. */
export interface CliProcess {
  readonly pid: number;
  readonly child: ChildProcessWithoutNullStreams;
  readonly result: Promise<CliResult>;
  /** What it has written to standard error so far. */
  readonly said: () => string;
}

/** Runs the program in the rig's project without waiting for it; nothing is on its standard input. */
export function startCli(rig: Rig, args: readonly string[], env: Record<string, string> = {}): CliProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], {cwd: rig.folder, env: {...rig.env, ...env}});
  const {pid} = child;
  if (pid === undefined) throw new Error('the program could not be started');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end();
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({code, signal, stdout, stderr}));
  });
  return {pid, child, result, said: () => stderr};
}
