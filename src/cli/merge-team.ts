import {plural} from '../base/amount.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {busyWith, type MergeOutlook, mergeOutlook} from '../workspace/merge-outlook.ts';
import {runForUser} from '../workspace/merge-user-git.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {commitsOf, refused, type TeamBranch, teamBranch} from './team-branch.ts';

export interface MergeOptions {
  readonly ffOnly?: boolean;
  /** False: `--no-ff` was given. */
  readonly ff?: boolean;
  readonly squash?: boolean;
  readonly partial?: boolean;
}

type Way = 'default' | 'ff-only' | 'no-ff' | 'squash';

interface Merge {
  readonly team: string;
  readonly branch: TeamBranch;
  readonly way: Way;
  readonly outlook: MergeOutlook;
  /** The checked out branch, as people call it. */
  readonly into: string;
}

/**
 * Merges a team's branch into what is checked out, by the user's own git. Everything that could go wrong is looked for first, so
 * that a merge that is begun is also ended; if it fails even so, it is taken back.
 */
export async function mergeTeam(cli: Cli, view: TeamView, options: MergeOptions): Promise<ExitKind> {
  const way = wayOf(options);
  const branch = await teamBranch(cli, view);
  const {team, state} = view;
  if (!isFinal(state) && options.partial !== true) {
    throw refused(
      `team ${team} is ${state}, and more may be merged onto its branch`,
      `Wait for it with \`godel team wait ${shellWord(team)}\`, or take what is there with --partial.`,
    );
  }
  if (branch.tip === null)
    throw refused(`nothing of team ${team} has been merged onto its branch yet`, statusHint(team));
  const outlook = must(await mergeOutlook(branch.folder, branch.repository.branch));
  const merge = {team, branch, way, outlook, into: outlook.into ?? 'the detached HEAD'};
  if (outlook.commits === 0) return say(cli, merge, outlook.head);
  checkMergeable(merge);
  await perform(cli, merge, await commitsOf(branch, branch.tip));
  return say(cli, merge, must(await mergeOutlook(branch.folder, branch.repository.branch)).head);
}

function wayOf({ffOnly, ff, squash}: MergeOptions): Way {
  const ways: Way[] = [];
  if (ffOnly === true) ways.push('ff-only');
  if (ff === false) ways.push('no-ff');
  if (squash === true) ways.push('squash');
  if (ways.length < 2) return ways[0] ?? 'default';
  throw refused(`--${ways.join(' and --')} exclude each other`, 'Give one of them.');
}

function checkMergeable({team, branch, way, outlook, into}: Merge): void {
  const name = branch.repository.branch;
  const {busy, inTheWay, staged, conflicts, isFastForward, head} = outlook;
  if (outlook.into === name)
    throw refused(`${name} itself is checked out`, 'Switch to the branch that is to get the work.');
  if (busy !== null) throw refused(`${busy} is under way in ${branch.folder}`, 'End it first; see `git status`.');
  if (head === null && (way === 'no-ff' || way === 'squash')) {
    throw refused(`${into} has no commit yet, so that --${way} means nothing`, 'Leave it out.');
  }
  if (!isFastForward && way === 'ff-only') {
    throw refused(
      `${into} has commits that ${name} does not have, so that it cannot be fast-forwarded`,
      `Leave --ff-only out, or rebase: \`git rebase ${shellWord(into)} ${shellWord(name)}\`.`,
    );
  }
  if (conflicts.length > 0) {
    throw new GodelError({
      reason: 'git-failed',
      detail: `${name} and ${into} change the same lines, in ${listed(conflicts)}; nothing was changed`,
      hint: `Resolve it by hand: \`git merge ${shellWord(name)}\` in ${branch.folder}, edit these files, then \`git commit\`; or let agents do it in a new team that starts from ${into}`,
    });
  }
  if (inTheWay.length > 0) {
    throw refused(
      `the merge would write over ${listed(inTheWay)} in ${branch.folder}, with changes that are not committed`,
      `Commit them, or put them aside with \`git stash --include-untracked\`, and try \`godel team merge ${shellWord(team)}\` again.`,
    );
  }
  const isCommit = !isFastForward || way === 'no-ff' || way === 'squash';
  if (isCommit && staged.length > 0) {
    throw refused(
      `${listed(staged)} would be committed together with the merge, being in the index`,
      'Commit first, or `git restore --staged` them.',
    );
  }
}

async function perform(cli: Cli, {team, branch, way, outlook}: Merge, subjects: readonly string[]): Promise<void> {
  const {folder, repository} = branch;
  const run = (...args: string[]) => userGit(cli, folder, args);
  const title = `Merge team ${team}: ${plural(outlook.commits, 'change')}`;
  if (way === 'squash') {
    const merged = await run('merge', '--squash', repository.branch);
    const done = merged && (await run('commit', '--quiet', '-m', title, '-m', subjectList(subjects)));
    if (done) return;
  } else {
    const options = way === 'default' ? [] : [`--${way}`];
    const isCommit = !outlook.isFastForward || way === 'no-ff';
    // On a branch without a commit git takes neither; of a message that it does not need it complains.
    const message = outlook.head === null ? [] : ['--no-edit', ...(isCommit ? ['-m', title] : [])];
    if (await run('merge', ...options, ...message, repository.branch)) return;
  }
  await takeBack(cli, folder, way);
  throw new GodelError({
    reason: 'git-failed',
    detail: `git did not merge ${repository.branch}, for the reason it gave above; the checkout is as it was`,
    hint: `remove the reason, or merge by hand with \`git merge ${shellWord(repository.branch)}\``,
  });
}

/** No merge was under way before, and nothing was staged before a squash, so that all there is of one is ours. */
async function takeBack(cli: Cli, folder: string, way: Way): Promise<void> {
  const isUnderWay = must(await busyWith(folder)) === 'a merge';
  if (!isUnderWay && way !== 'squash') return;
  const args = isUnderWay ? ['merge', '--abort'] : ['reset', '--quiet', '--merge', 'HEAD'];
  if (!(await userGit(cli, folder, args))) cli.print.note('The merge could not be taken back; see `git status`.');
}

/** Whether it succeeded. What git and the user's hooks print goes to standard error: the answer is ours. */
async function userGit(cli: Cli, folder: string, args: readonly string[]): Promise<boolean> {
  const print = (chunk: Buffer) => cli.print.note(chunk.toString().trimEnd());
  return (await runForUser('git', args, {cwd: folder, env: cli.env, output: {stdout: print, stderr: print}})) === 0;
}

function say(cli: Cli, {team, branch, way, outlook, into}: Merge, head: string | null): ExitKind {
  const {repository, folder} = branch;
  const {commits} = outlook;
  const facts = {
    team,
    branch: repository.branch,
    into: outlook.into,
    folder,
    from: outlook.head,
    to: head,
    commits,
    way,
  };
  if (cli.print.json !== 'none') cli.print.value({v: 1, ...facts});
  else if (commits === 0) cli.print.line(`${into} has all of ${repository.branch} already.`);
  else {
    cli.print.line(`Merged ${plural(commits, 'change')} of team ${team} into ${into} (${folder}).`);
    if (outlook.head !== null) {
      cli.print.line(`Take it back with \`git reset --keep ${outlook.head.slice(0, 12)}\`.`);
    }
  }
  return 'ok';
}

const MAX_SUBJECTS = 200;

function subjectList(subjects: readonly string[]): string {
  const lines = subjects.slice(0, MAX_SUBJECTS).map(subject => `- ${subject}`);
  if (subjects.length > MAX_SUBJECTS) lines.push(`- and ${subjects.length - MAX_SUBJECTS} more`);
  return lines.join('\n');
}

function listed(files: readonly string[]): string {
  const more = files.length > 10 ? ` and ${files.length - 10} more` : '';
  return `${files.slice(0, 10).join(', ')}${more}`;
}

function statusHint(team: string): string {
  return `See \`godel team status ${shellWord(team)}\`.`;
}
