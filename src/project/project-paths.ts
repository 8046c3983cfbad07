import {createHash} from 'node:crypto';
import {lstatSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {readDaemonFile} from './daemon-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where everything of a project is. Finding out reads, and changes nothing. */
export interface ProjectPaths {
  /** The project's real path. */
  readonly folder: string;
  /** First 12 hex digits of the SHA-256 of the real path. */
  readonly projectId: string;
  readonly godelFolder: string;
  readonly storeFile: string;
  /** What attempts have learned. */
  readonly memoryFile: string;
  /** The database of the hub that the daemon starts. */
  readonly hubFile: string;
  readonly logFile: string;
  /** Which process is the daemon, and where it listens; see `daemon-file.ts`. */
  readonly daemonFile: string;
  readonly teamsFolder: string;
  readonly runtimeFolder: string;
  readonly socket: string;
  readonly startLock: string;
}

/** 108 bytes with the closing zero on Linux, 104 on macOS; Node 20 cuts a longer path without a word. */
const MAX_SOCKET_PATH = 103;

export function projectPaths(folder: string, env: Environment = process.env): ProjectPaths {
  const projectId = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const godelFolder = join(folder, '.godel');
  const daemonFile = join(godelFolder, 'daemon.json');
  const runtimeFolder = folderInUse(daemonFile) ?? chooseRuntimeFolder(env, projectId);
  return {
    folder,
    projectId,
    godelFolder,
    storeFile: join(godelFolder, 'store.db'),
    memoryFile: join(godelFolder, 'memory.db'),
    hubFile: join(godelFolder, 'hub.db'),
    logFile: join(godelFolder, 'daemon.log'),
    daemonFile,
    teamsFolder: join(godelFolder, 'teams'),
    runtimeFolder,
    socket: join(runtimeFolder, `${projectId}.sock`),
    startLock: join(runtimeFolder, `${projectId}.start`),
  };
}

export function teamFolder(paths: ProjectPaths, teamId: number): string {
  return join(paths.teamsFolder, String(teamId));
}

export function secretsFile(paths: ProjectPaths, teamId: number): string {
  return join(paths.runtimeFolder, `${paths.projectId}.team-${teamId}.secrets`);
}

/**
 * The runtime folder that the project's daemon uses, or used when it was killed: a shell with another XDG_RUNTIME_DIR
 * (cron, `sudo`) must find the same socket, and the hosts of a killed daemon must find the next one.
 */
function folderInUse(daemonFile: string): string | null {
  const folder = readDaemonFile(daemonFile)?.runtimeFolder;
  if (folder === undefined) return null;
  const stats = lstatSync(folder, {throwIfNoEntry: false});
  return stats?.isDirectory() && stats.uid === process.getuid?.() ? folder : null;
}

/**
 * `$XDG_RUNTIME_DIR/godel` when that is ours and short enough for a socket, else `/tmp/godel-<uid>`. (`su` and `sudo -E`
 * hand over another user's XDG_RUNTIME_DIR.)
 */
function chooseRuntimeFolder(env: Environment, projectId: string): string {
  const uid = process.getuid?.() ?? 0;
  const base = env['XDG_RUNTIME_DIR'];
  if (base?.startsWith('/')) {
    const folder = join(base, 'godel');
    const isOurs = statSync(base, {throwIfNoEntry: false})?.uid === uid;
    if (isOurs && Buffer.byteLength(join(folder, `${projectId}.sock`)) <= MAX_SOCKET_PATH) return folder;
  }
  return `/tmp/godel-${uid}`;
}
