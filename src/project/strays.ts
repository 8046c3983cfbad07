import {sep} from 'node:path';
import {livingHosts, type MarkedProcess, markedProcesses} from '../os/godel-processes.ts';
import {isAlive} from '../os/process-identity.ts';
import {readDaemonFile} from './daemon-file.ts';
import type {ProjectPaths} from './project-paths.ts';

/** A process of this project that nobody is answerable for any more. */
export interface Stray {
  readonly pid: number;
  readonly command: string;
  readonly cookie: string;
  readonly team: string | null;
  readonly task: string | null;
  /** The host that is gone; null: it belonged to a merge of a daemon that is gone. */
  readonly host: string | null;
}

/**
 * What dead hosts and daemons of this project have left running. An attempt belongs to one host for good, so what carries the
 * mark of an attempt whose host is dead is a stray; what its host still runs is none, with or without a daemon.
 */
export function findStrays(paths: ProjectPaths): readonly Stray[] {
  const marked = markedProcesses().filter(process_ => isOfProject(process_, paths));
  if (marked.length === 0) return [];
  const hosts = livingHosts(paths.projectId);
  const daemon = readDaemonFile(paths.daemonFile);
  const hasDaemon = daemon !== null && isAlive(daemon.process);
  return marked
    .filter(({variables}) => {
      const host = variables['GODEL_HOST'];
      return host === undefined ? !hasDaemon : !hosts.has(host);
    })
    .map(strayOf);
}

function isOfProject({cookie, variables}: MarkedProcess, {teamsFolder, godelFolder}: ProjectPaths): boolean {
  if (variables['GODEL_HOST'] !== undefined) return isBelow(variables['GODEL_INPUTS'], teamsFolder);
  return /\.merge-\d+$/.test(cookie) && isBelow(variables['PWD'], godelFolder);
}

function isBelow(path: string | undefined, folder: string): boolean {
  return path !== undefined && path.startsWith(folder + sep);
}

function strayOf({identity, args, cookie, variables}: MarkedProcess): Stray {
  return {
    pid: identity.pid,
    command: args.join(' '),
    cookie,
    team: variables['GODEL_TEAM'] ?? null,
    task: variables['GODEL_TASK_ID'] ?? null,
    host: variables['GODEL_HOST'] ?? null,
  };
}
