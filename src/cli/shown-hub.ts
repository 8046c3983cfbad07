import {existsSync} from 'node:fs';
import type {Cli} from './cli.ts';
import {type HubOptions, pathOf} from './hub-options.ts';

/** The database whose hub is shown, and how it was come by. */
export interface ShownHub {
  readonly db: string;
  /** `named` with --db; of a hub that was started in this `folder`; or the hub that the daemon of the `project` starts. */
  readonly which: 'named' | 'folder' | 'project';
  /** That of the project's own hub, where it is there and not the one that is shown. */
  readonly other: string | null;
}

export async function shownHub(cli: Cli, options: HubOptions, isNamed: boolean): Promise<ShownHub> {
  const db = pathOf(cli, options.db);
  if (isNamed) return {db, which: 'named', other: null};
  const {projectFolder} = await import('./connect.ts');
  const {projectPaths} = await import('../project/project-paths.ts');
  const {hubFile} = projectPaths(projectFolder(cli, options), cli.env);
  const own = existsSync(hubFile) ? hubFile : null;
  if (own === null || existsSync(db)) return {db, which: 'folder', other: own};
  return {db: own, which: 'project', other: null};
}
