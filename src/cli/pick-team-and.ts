import {fail} from '../base/result.ts';
import type {TeamView} from '../model/team-view.ts';
import {must, type Project} from './connect.ts';
import {onlyTeam, pickTeam} from './pick-team.ts';

/**
 * The team, and the words that mean something in it. Where there is only one team its name may be left out: a first word
 * that names no team is then one of the others.
 */
export async function pickTeamAnd(
  project: Project,
  name: string | undefined,
  others: readonly string[],
): Promise<{readonly team: TeamView; readonly words: readonly string[]}> {
  if (name === undefined || !project.hasStore) return {team: await pickTeam(project, name), words: others};
  const named = await project.client.team(name);
  if (named.ok) return {team: named.value, words: others};
  if (named.failure.reason !== 'team-not-found') return {team: must(named), words: others};
  const only = onlyTeam(must(await project.client.teams()));
  if (!only.ok) return {team: must(fail(named.failure)), words: others};
  return {team: only.value, words: [name, ...others]};
}
