import type {Failure} from '../model/failure.ts';
import {isFinal} from '../model/team.ts';
import {GodelError} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';
import {fail, ok, type Result} from '../base/result.ts';
import {must, type Project} from './connect.ts';

/** The team meant by NAME; without one the team that is not over, or the only team there is. */
export async function pickTeam({client, hasStore}: Project, name: string | undefined): Promise<TeamView> {
  if (!hasStore) {
    throw new GodelError(
      name === undefined ? {reason: 'team-ambiguous', known: []} : {reason: 'team-not-found', name, known: []},
    );
  }
  if (name !== undefined) return must(await client.team(name));
  return must(onlyTeam(must(await client.teams())));
}

export function onlyTeam(teams: readonly TeamView[]): Result<TeamView, Failure> {
  const active = teams.filter(team => !isFinal(team.state));
  const candidates = active.length > 0 ? active : teams;
  const [first] = candidates;
  if (first !== undefined && candidates.length === 1) return ok(first);
  return fail({reason: 'team-ambiguous', known: candidates.map(({team}) => team)});
}
