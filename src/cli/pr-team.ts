import {plural} from '../base/amount.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {findProgram} from '../runtimes/find-program.ts';
import {git, gitText} from '../workspace/git.ts';
import {runForUser} from '../workspace/merge-user-git.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {commitsOf, refused, type TeamBranch, teamBranch} from './team-branch.ts';

export interface PrOptions {
  readonly create?: boolean;
  readonly remote?: string;
}

interface PullRequest {
  readonly remote: string;
  /** What it is to be merged into; null: what the server takes by default. */
  readonly into: string | null;
  readonly title: string;
  readonly body: string;
}

/** Prints how the team's branch becomes a pull request, or does it by the user's own git and gh. */
export async function prTeam(cli: Cli, view: TeamView, {create = false, remote}: PrOptions): Promise<ExitKind> {
  const branch = await teamBranch(cli, view);
  const {team, state} = view;
  if (branch.tip === null) {
    throw refused(
      `nothing of team ${team} has been merged onto its branch yet`,
      `See \`godel team status ${shellWord(team)}\`.`,
    );
  }
  const subjects = await commitsOf(branch, branch.tip);
  const [only] = subjects;
  const request: PullRequest = {
    remote: await remoteOf(branch, remote),
    into: branch.repository.checkedOut,
    title: subjects.length === 1 && only !== undefined ? only : `${team}: ${plural(subjects.length, 'change')}`,
    body: bodyOf(subjects),
  };
  const hasGh = (await findProgram('gh', cli.env['PATH'])) !== null;
  if (create && !hasGh) {
    throw refused(
      'gh, the command line of GitHub, is not on PATH, so that no pull request can be created',
      `Install it, or run \`godel team pr ${shellWord(team)}\` for the command that pushes the branch.`,
    );
  }
  if (!isFinal(state))
    cli.print.note(`Team ${team} is ${state}: more may be merged later. Push the branch again then.`);
  const args = commandsOf(branch, request).slice(0, hasGh ? 2 : 1);
  if (create) for (const command of args) await perform(cli, branch.folder, command);
  say(cli, view, {branch, request, commands: args, created: create});
  return 'ok';
}

function commandsOf(
  {repository}: TeamBranch,
  {remote, into, title, body}: PullRequest,
): readonly (readonly string[])[] {
  const base = into === null ? [] : ['--base', into];
  return [
    ['git', 'push', '--set-upstream', remote, repository.branch],
    ['gh', 'pr', 'create', '--head', repository.branch, ...base, '--title', title, '--body', body],
  ];
}

async function perform(cli: Cli, folder: string, [program = '', ...args]: readonly string[]): Promise<void> {
  const print = (chunk: Buffer) => cli.print.note(chunk.toString().trimEnd());
  const isTerminal = cli.stdout.isTTY && cli.stdout.fd === 1 && cli.print.json === 'none';
  const output = isTerminal ? ('terminal' as const) : {stdout: print, stderr: print};
  const code = await runForUser(program, args, {cwd: folder, env: cli.env, output});
  if (code === 0) return;
  throw new GodelError({
    reason: 'git-failed',
    detail: `${program} ${args.slice(0, program === 'gh' ? 2 : 1).join(' ')} exited with code ${code ?? '?'}, for the reason it gave above`,
  });
}

function say(
  cli: Cli,
  {team}: TeamView,
  {
    branch,
    request,
    commands,
    created,
  }: {
    readonly branch: TeamBranch;
    readonly request: PullRequest;
    readonly commands: readonly (readonly string[])[];
    readonly created: boolean;
  },
): void {
  const {repository, folder, tip} = branch;
  const lines = commands.map(words => words.map(shellWord).join(' '));
  if (cli.print.json !== 'none') {
    const {remote, into, title, body} = request;
    const facts = {team, branch: repository.branch, tip, folder, remote, into, title, body};
    cli.print.value({v: 1, ...facts, commands: lines, created});
  } else if (created) {
    cli.print.line(`Pushed ${repository.branch} to ${request.remote} and created the pull request.`);
  } else {
    cli.print.note(`In ${folder}:`);
    for (const line of lines) cli.print.line(line);
    if (lines.length === 1) cli.print.note('What it prints names the page where the pull request is opened.');
  }
}

/** The remote that was asked for, that of the branch the team started from, `origin`, or the only one. */
async function remoteOf({repository, folder}: TeamBranch, wanted: string | undefined): Promise<string> {
  const at = {cwd: folder};
  const remotes = must(await gitText(['remote'], at))
    .split('\n')
    .filter(name => name !== '');
  if (wanted !== undefined) {
    if (remotes.includes(wanted)) return wanted;
    throw refused(`--remote ${wanted}: there is no such remote`, `Known: ${remotes.join(', ') || 'none'}.`);
  }
  const {checkedOut} = repository;
  const asked =
    checkedOut === null ? null : await git(['config', `branch.${checkedOut}.remote`], {...at, codes: [0, 1]});
  const own = asked === null ? '' : must(asked).stdout.trim();
  const found = [own, 'origin', remotes.length === 1 ? remotes[0] : undefined].find(
    name => name !== undefined && remotes.includes(name),
  );
  if (found !== undefined) return found;
  throw refused(
    remotes.length === 0
      ? 'the repository has no remote to push to'
      : `there are several remotes: ${remotes.join(', ')}`,
    remotes.length === 0
      ? 'Add one with `git remote add origin URL`, or merge here with `godel team merge`.'
      : 'Say which with --remote.',
  );
}

const MAX_BODY_LINES = 100;

function bodyOf(subjects: readonly string[]): string {
  const lines = subjects.slice(0, MAX_BODY_LINES).map(subject => `- ${subject}`);
  if (subjects.length > MAX_BODY_LINES) lines.push(`- and ${subjects.length - MAX_BODY_LINES} more`);
  return lines.join('\n');
}
