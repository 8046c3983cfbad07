import {existsSync, realpathSync, statSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {ApiClient} from '../api/client.ts';
import {loadSettings, type LoadedSettings} from '../config/load-settings.ts';
import {SETTING_KINDS, settingOfKey} from '../config/setting-kinds.ts';
import {type Failure, GodelError} from '../model/failure.ts';
import {isAlive} from '../os/process-identity.ts';
import {readDaemonFile} from '../project/daemon-file.ts';
import {explainSilence} from '../project/explain-silence.ts';
import {findProject} from '../project/find-project.ts';
import {launchDaemon} from '../project/launch-daemon.ts';
import {foreignProject} from '../project/prepare-folders.ts';
import {type ProjectPaths, projectPaths} from '../project/project-paths.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import type {Result} from '../base/result.ts';

/** The project that a command works in, and how to talk to its daemon. */
export interface Project {
  readonly paths: ProjectPaths;
  /** Starts the daemon when none is running. */
  readonly client: ApiClient;
  /** Never starts one. */
  readonly visitor: ApiClient;
  /** Whether anything was ever recorded here: without it there is no team, and no daemon is needed to say so. */
  readonly hasStore: boolean;
}

export function openProject(cli: Cli, options: GlobalOptions): Project {
  const paths = projectPaths(projectFolder(cli, options), cli.env);
  // Otherwise its teams, which we may not see, would seem not to exist.
  const foreign = foreignProject(paths);
  if (foreign) throw new GodelError(foreign);
  const env = {...cli.env, ...settingVariables(options)};
  const common = {
    socket: paths.socket,
    projectId: paths.projectId,
    version: GODEL_VERSION,
    explainSilence: () => explainLiving(paths),
  };
  const visitor = new ApiClient(common);
  const start = () => launchDaemon({projectFolder: paths.folder, env});
  return {
    paths,
    client: new ApiClient({...common, start, onSlow: () => void sayTrouble(cli, visitor)}),
    visitor,
    hasStore: existsSync(paths.storeFile),
  };
}

/** What a command waits for may be room on the disk, which nobody would guess. */
async function sayTrouble(cli: Cli, visitor: ApiClient): Promise<void> {
  const daemon = await visitor.daemon();
  if (!daemon.ok || daemon.value.storeTrouble === null) return;
  cli.print.note(`This waits until the daemon can write again. ${daemon.value.storeTrouble}`);
}

/** The settings as they hold for this command. */
export function settingsOf(cli: Cli, options: GlobalOptions): LoadedSettings {
  const flags = options.set === undefined ? {} : {flags: options.set};
  return must(loadSettings({projectFolder: projectFolder(cli, options), env: cli.env, home: homedir(), ...flags}));
}

/** Says that `--set` is of no use to a daemon that runs already. */
export async function noteUnheardSettings(cli: Cli, {visitor}: Project, {set = {}}: GlobalOptions): Promise<void> {
  const keys = Object.keys(set);
  if (keys.length === 0 || !(await visitor.daemon()).ok) return;
  cli.print.note(
    `The daemon is running and keeps the settings it was started with, so --set ${keys.join(', ')} does not reach it. After \`godel daemon stop\` the next command starts one with new settings.`,
  );
}

/** The value, or the failure thrown to where all failures of a command are said. */
export function must<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw new GodelError(result.failure);
}

/** Its real path; it need not have been used yet. */
export function projectFolder(cli: Cli, {project}: GlobalOptions): string {
  if (project === undefined) return findProject(cli.cwd);
  const folder = path.resolve(cli.cwd, project);
  if (statSync(folder, {throwIfNoEntry: false})?.isDirectory()) return realpathSync(folder);
  throw new GodelError({reason: 'usage', message: `--project ${project}: there is no such folder`});
}

/** A daemon hears of `--set` through its environment, which is how it reads settings anyway. */
function settingVariables({set = {}}: GlobalOptions): Record<string, string> {
  const entries = Object.entries(set).flatMap(([key, value]) => {
    const name = settingOfKey(key);
    return name === undefined ? [] : [[SETTING_KINDS[name].env, value] as const];
  });
  return Object.fromEntries(entries);
}

/** Only a living daemon that does not answer needs explaining; a dead one is started again. */
function explainLiving(paths: ProjectPaths): Failure | null {
  const file = readDaemonFile(paths.daemonFile);
  return file !== null && isAlive(file.process) ? explainSilence(paths) : null;
}
