import type {ExitKind} from '../model/exit-code.ts';
import type {TeamView} from '../model/team-view.ts';
import {GodelError} from '../model/failure.ts';
import {gitPaths} from '../workspace/git.ts';
import {runForUser} from '../workspace/merge-user-git.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {commitsOf, type TeamBranch, teamBranch} from './team-branch.ts';

export interface DiffOptions {
  readonly stat?: boolean;
}

/** What a team has changed since it started, as the user's own git shows it. */
export async function diffTeam(cli: Cli, view: TeamView, {stat = false}: DiffOptions): Promise<ExitKind> {
  const branch = await teamBranch(cli, view);
  if (cli.print.json !== 'none') cli.print.value(await diffFacts(view, branch));
  else if (branch.tip === null) cli.print.note(`Nothing of team ${view.team} has been merged yet.`);
  else await show(cli, branch, stat ? ['--stat'] : []);
  return 'ok';
}

async function show(cli: Cli, {repository, folder, tip}: TeamBranch, options: readonly string[]): Promise<void> {
  const args = ['diff', ...options, repository.base, tip ?? repository.base, '--'];
  const isTerminal = cli.stdout.isTTY && cli.stdout.fd === 1;
  const output = isTerminal
    ? 'terminal'
    : {
        stdout: (chunk: Buffer) => cli.print.log(chunk),
        stderr: (chunk: Buffer) => cli.print.note(String(chunk).trimEnd()),
      };
  const code = await runForUser('git', args, {cwd: folder, env: cli.env, output});
  // A pager that was left early is no failure.
  if (code === 0 || (isTerminal && code === 141)) return;
  throw new GodelError({reason: 'git-failed', detail: `git diff exited with code ${code ?? '?'}`});
}

async function diffFacts({team}: TeamView, branch: TeamBranch) {
  const {repository, tip, folder} = branch;
  const {base, branch: name} = repository;
  if (tip === null) return {v: 1, team, branch: name, base, tip: null, commits: [], files: []};
  const args = ['diff', '--numstat', '-z', '--no-renames', base, tip];
  const files = must(await gitPaths(args, {cwd: folder})).map(entry => {
    const [insertions = '', deletions = '', ...path] = entry.split('\t');
    return {path: path.join('\t'), insertions: amount(insertions), deletions: amount(deletions)};
  });
  return {v: 1, team, branch: name, base, tip, commits: await commitsOf(branch, tip), files};
}

/** Null: it is no text. */
function amount(text: string): number | null {
  return text === '-' ? null : Number(text);
}
