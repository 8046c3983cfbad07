import {accessSync, constants, existsSync} from 'node:fs';
import path from 'node:path';
import {formatSize} from '../../base/size.ts';
import type {Settings} from '../../config/settings.ts';
import {failureText} from '../../model/failure-text.ts';
import {processLimits, type ProcessLimits} from '../../os/limits.ts';
import {freeDiskBytes, memory} from '../../os/machine.ts';
import {gitVersion} from '../../workspace/git.ts';
import {findRepository} from '../../workspace/repository.ts';
import type {Finding} from './finding.ts';

/** As `engines` in package.json says. */
const LEAST_NODE = [20, 19] as const;

/** Measured: a host has some 20 files open by itself, and 2 for each command it runs; a prompt needs a few more. */
const FILES_OF_HOST = 100;
const FILES_PER_AGENT = 4;
/** A shell and its program; a coding agent that runs on Node has a dozen threads, and starts programs of its own. */
const PROCESSES_PER_AGENT = 20;

export async function machineFindings(cwd: string, folder: string, settings: Settings): Promise<readonly Finding[]> {
  return [
    nodeFinding(process.versions.node),
    ...(await gitFindings(cwd)),
    room('memory', memory().availableBytes, settings.minFreeMemoryBytes),
    room('disk', freeDiskBytes(folder), settings.minFreeDiskBytes),
    ...folderFindings(folder),
    limitsFinding(processLimits(), {agents: settings.maxAgents, isRoot: process.getuid?.() === 0}),
  ];
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  const isNew = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (isNew) return {what: 'node', state: 'ok', text: `v${version}`};
  const text = `v${version}, and godel needs at least v${leastMajor}.${leastMinor}: install a newer Node`;
  return {what: 'node', state: 'missing', text};
}

/** Root may have as many processes as it likes. */
export function limitsFinding(
  {openFiles, processes}: ProcessLimits,
  {agents, isRoot}: {readonly agents: number; readonly isRoot: boolean},
): Finding {
  const byFiles = openFiles === null ? null : Math.max(0, Math.floor((openFiles - FILES_OF_HOST) / FILES_PER_AGENT));
  const byProcesses = processes === null || isRoot ? null : Math.floor(processes / PROCESSES_PER_AGENT);
  const limits = [
    openFiles === null ? 'any number of open files' : `${openFiles} open files`,
    processes === null || isRoot ? 'any number of processes' : `${processes} processes`,
  ].join(', ');
  const enough = Math.min(byFiles ?? Infinity, byProcesses ?? Infinity);
  if (enough >= agents)
    return {what: 'limits', state: 'ok', text: `${limits}: enough for ${agents} agents (max-agents)`};
  const how = (byFiles ?? Infinity) <= (byProcesses ?? Infinity) ? 'open files (ulimit -Hn)' : 'processes (ulimit -Hu)';
  const text = `${limits}: enough for about ${enough} agents at work at a time, and max-agents is ${agents}; raise the limit of ${how}`;
  return {what: 'limits', state: enough === 0 ? 'missing' : 'limited', text};
}

async function gitFindings(cwd: string): Promise<Finding[]> {
  const version = await gitVersion(cwd);
  if (!version.ok) return [{what: 'git', state: 'limited', text: failureText(version.failure)}];
  const repository = await findRepository(cwd, {team: 'doctor'});
  const git: Finding = {what: 'git', state: 'ok', text: version.value};
  if (!repository.ok) return [git, {what: 'worktrees', state: 'limited', text: failureText(repository.failure)}];
  const {root, checkedOut, dirtyFiles} = repository.value;
  const dirty = dirtyFiles === 0 ? '' : `, ${dirtyFiles} files not committed: teams start without them`;
  return [git, {what: 'worktrees', state: 'ok', text: `${root} on ${checkedOut ?? 'no branch'}${dirty}`}];
}

/** Nothing when godel can keep its records in the project. */
export function folderFindings(folder: string): Finding[] {
  const own = path.join(folder, '.godel');
  const kept = existsSync(own) ? own : folder;
  try {
    accessSync(kept, constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{what: 'folder', state: 'missing', text: `godel cannot write in ${kept}: ${why}`}];
  }
}

function room(what: string, free: number | null, least: number): Finding {
  if (free === null) return {what, state: 'ok', text: 'unknown how much is free'};
  const text = `${formatSize(free)} free`;
  if (free >= least) return {what, state: 'ok', text};
  return {what, state: 'missing', text: `${text}, and nothing starts below ${formatSize(least)}`};
}
