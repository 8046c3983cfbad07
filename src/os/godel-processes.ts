import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {identityOf} from './process-identity.ts';
import {COOKIE_VARIABLE} from './stray-processes.ts';

/** A living process of this user as the OS shows it. */
export interface SeenProcess {
  readonly identity: ProcessIdentity;
  readonly args: readonly string[];
}

/** One that carries the mark of an attempt, with the variables that say whose it is (see `attempt-environment.ts`). */
export interface MarkedProcess extends SeenProcess {
  readonly cookie: string;
  readonly variables: Readonly<Record<string, string>>;
}

const VARIABLES = ['GODEL_HOST', 'GODEL_TEAM', 'GODEL_TASK_ID', 'GODEL_INPUTS', 'PWD'];

/** All processes that carry a mark of any project. One that has cleared its environment, or is another user's, is not seen. */
export function markedProcesses(): readonly MarkedProcess[] {
  return pids().flatMap(pid => {
    const variables = variablesOf(pid);
    const cookie = variables[COOKIE_VARIABLE];
    const identity = cookie === undefined || pid === process.pid ? null : identityOf(pid);
    return cookie !== undefined && identity ? [{identity, cookie, variables, args: argsOf(pid)}] : [];
  });
}

/** The ids of the hosts of a project whose processes live, by what they were started with. */
export function livingHosts(projectId: string): ReadonlySet<string> {
  const ids = pids().flatMap(pid => {
    const args = argsOf(pid);
    if (valueAfter(args, '--project-id') !== projectId) return [];
    const id = valueAfter(args, '--host-id');
    return id !== null && identityOf(pid) !== null ? [id] : [];
  });
  return new Set(ids);
}

function valueAfter(args: readonly string[], name: string): string | null {
  const at = args.indexOf(name);
  return at < 0 ? null : (args[at + 1] ?? null);
}

function pids(): readonly number[] {
  const names =
    process.platform === 'linux'
      ? readdirSync('/proc')
      : execFileSync('ps', ['-x', '-o', 'pid='], {encoding: 'latin1'})
          .split('\n')
          .map(line => line.trim());
  return names.filter(name => /^\d+$/.test(name)).map(Number);
}

function argsOf(pid: number): readonly string[] {
  if (process.platform === 'linux') return textOf(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
  return ps(pid, ['-o', 'command=']).split(' ');
}

function variablesOf(pid: number): Readonly<Record<string, string>> {
  const wanted = [COOKIE_VARIABLE, ...VARIABLES];
  const words =
    process.platform === 'linux'
      ? textOf(`/proc/${pid}/environ`).split('\0')
      : ps(pid, ['-E', '-o', 'command=']).split(' ');
  return Object.fromEntries(
    words.flatMap(word => {
      const sign = word.indexOf('=');
      const name = word.slice(0, Math.max(0, sign));
      return wanted.includes(name) ? [[name, word.slice(sign + 1)]] : [];
    }),
  );
}

/** Empty for a process that is gone or another user's. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function ps(pid: number, options: readonly string[]): string {
  try {
    return execFileSync('ps', ['-ww', '-p', String(pid), ...options], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
