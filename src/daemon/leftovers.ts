import {readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import type {StoredState} from '../model/record.ts';
import type {ProjectPaths} from '../project/project-paths.ts';

/**
 * Removes what a daemon could not that was killed between a commit and its effects: the secrets of teams that are over,
 * the folders of teams that were removed. Also the folders of another store's teams, should this one be new: their
 * numbers are given again, and a join would find the outputs of both.
 */
export function removeLeftovers(
  {teamsFolder, runtimeFolder, projectId}: ProjectPaths,
  {teams, over}: Pick<StoredState, 'teams' | 'over'>,
): readonly string[] {
  const active = new Set(teams.map(({id}) => `${projectId}.team-${id}.secrets`));
  const known = new Set([...teams.map(({id}) => String(id)), ...over.map(({teamId}) => String(teamId))]);
  const secrets = namesIn(runtimeFolder).filter(
    name => name.startsWith(`${projectId}.team-`) && name.endsWith('.secrets') && !active.has(name),
  );
  const folders = namesIn(teamsFolder).filter(name => /^\d+$/.test(name) && !known.has(name));
  const left = [...secrets.map(name => join(runtimeFolder, name)), ...folders.map(name => join(teamsFolder, name))];
  for (const path of left) rmSync(path, {recursive: true, force: true});
  return left;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not made yet.
    return [];
  }
}
