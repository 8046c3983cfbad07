import {realpathSync} from 'node:fs';
import {GodelError} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';
import type {TeamRepository} from '../model/work.ts';
import {gitText} from '../workspace/git.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';

/** Where the work of a team is to be found, for the commands that look at it or take it over. */
export interface TeamBranch {
  readonly repository: TeamRepository;
  /** Top folder of the checkout that is meant: the one around the current folder if it is of the same repository. */
  readonly folder: string;
  /** Where the branch ends; null while nothing has been merged. */
  readonly tip: string | null;
}

export async function teamBranch(cli: Cli, {team, repository}: TeamView): Promise<TeamBranch> {
  if (!repository) {
    throw refused(
      `team ${team} has no branch: its tasks run in place, where their changes are made directly`,
      'Prompts, and commands with `workspace: worktree`, have worktrees whose changes are merged.',
    );
  }
  const folder = (await checkoutAround(cli.cwd, repository)) ?? repository.root;
  const at = {cwd: folder, codes: [0, 1]};
  const tip = must(await gitText(['rev-parse', '--verify', '--quiet', `refs/heads/${repository.branch}^{commit}`], at));
  return {repository, folder, tip: tip === '' ? null : tip};
}

async function checkoutAround(cwd: string, {gitFolder}: TeamRepository): Promise<string | null> {
  const common = await gitText(['rev-parse', '--path-format=absolute', '--git-common-dir'], {cwd});
  if (!common.ok || !isSameFolder(common.value, gitFolder)) return null;
  const top = await gitText(['rev-parse', '--show-toplevel'], {cwd});
  return top.ok ? top.value : null;
}

function isSameFolder(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    // One of them is gone: then they are not the same.
    return false;
  }
}

/** Commits on the branch that the team did not start from. */
export async function commitsOf({repository, folder}: TeamBranch, tip: string): Promise<readonly string[]> {
  const args = ['log', '--reverse', '--format=%s', `${repository.base}..${tip}`];
  const said = must(await gitText(args, {cwd: folder}));
  return said === '' ? [] : said.split('\n');
}

/** What is asked for cannot be done as things are. */
export function refused(message: string, hint: string): GodelError {
  return new GodelError({reason: 'usage', message, hint});
}
