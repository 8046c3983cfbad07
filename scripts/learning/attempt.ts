import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Approach, Material} from './task.ts';

/** What came of one attempt, as its child process showed it. */
export interface Outcome {
  readonly success: boolean;
  /** What the command or the check said; at most 300 characters. */
  readonly said: string;
  /** Of the command alone, without the check: of all its processes, milliseconds. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

const MAX_SAID = 300;
const DEADLINE_MS = 20_000;

/**
 * The command first, its time measured by bash (`getrusage`), then the check, and only if the command ended with 0. The exit code is that
 * of the check.
 */
const SCRIPT = `
TIMEFORMAT='%U %S %R'
{ time { eval "$APPROACH"; } >output 2>messages; } 2>spent
code=$?
if [ $code -ne 0 ]; then echo "the command ended with $code:"; cat messages; exit 1; fi
eval "$VERIFY" 2>&1`;

/** Rejects where there is no bash, or the command does not end. */
export async function attempt(approach: Approach, material: Material): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'godel-learning-task-'));
  try {
    await writeFile(join(folder, 'input'), material.input);
    if (material.expected !== null) await writeFile(join(folder, 'expected'), material.expected);
    const {success, said} = await run(folder, {APPROACH: approach.command, VERIFY: material.verify});
    const [user = Number.NaN, system = Number.NaN, real = Number.NaN] =
      (await readFile(join(folder, 'spent'), 'utf8')).trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
    return {success, said: said.slice(0, MAX_SAID), cpuMs: (user + system) * 1000, wallMs: real * 1000};
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

function run(folder: string, env: {APPROACH: string; VERIFY: string}): Promise<{success: boolean; said: string}> {
  const options = {
    cwd: folder,
    env: {PATH: process.env['PATH'], LC_ALL: 'C', ...env},
    timeout: DEADLINE_MS,
    maxBuffer: 1024 * 1024,
  };
  return new Promise((resolve, reject) => {
    // A bash whose input is a socket takes itself for a remote shell and reads ~/.bashrc, were it not for --norc.
    const child = execFile('bash', ['--norc', '-c', SCRIPT], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(new Error(`bash did not run \`${env.APPROACH}\` to its end: ${error.message}`));
        return;
      }
      resolve({success: error === null, said: (stdout + stderr).trim()});
    });
    child.stdin?.end();
  });
}
