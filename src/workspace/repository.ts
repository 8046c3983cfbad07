import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamRepository} from '../model/work.ts';
import {git, gitPaths, gitText, gitVersion} from './git.ts';
import {branchOf} from './ref-names.ts';

/**
 * The repository that a team works in, found from any folder in a checkout of it. Reads only, but for one case: in a
 * repository without commits a commit of an empty tree is stored, on no branch, for the worktrees to start from.
 */
export async function findRepository(
  cwd: string,
  {team}: {readonly team: string},
): Promise<Result<TeamRepository, Failure>> {
  const checkout = await findCheckout(cwd);
  if (!checkout.ok) return checkout;
  const base = await startOf(cwd);
  if (!base.ok) return base;
  const dirty = await gitPaths(['status', '--porcelain', '-z', '--no-renames'], {cwd: checkout.value.root});
  if (!dirty.ok) return dirty;
  const branch = await freeBranch(cwd, team);
  if (!branch.ok) return branch;
  return ok({...checkout.value, base: base.value, branch: branch.value, dirtyFiles: dirty.value.length});
}

/** The checkout that a folder is in, and its branch. Reads only. */
export async function findCheckout(
  cwd: string,
): Promise<Result<Pick<TeamRepository, 'root' | 'gitFolder' | 'prefix' | 'checkedOut'>, Failure>> {
  const version = await gitVersion(cwd);
  if (!version.ok) return version;
  const places = await placesOf(cwd);
  if (!places.ok) return places;
  const checkedOut = await gitText(['symbolic-ref', '--quiet', '--short', 'HEAD'], {cwd, codes: [0, 1]});
  return checkedOut.ok
    ? ok({...places.value, checkedOut: checkedOut.value === '' ? null : checkedOut.value})
    : checkedOut;
}

type Places = Pick<TeamRepository, 'root' | 'gitFolder' | 'prefix'>;

async function placesOf(cwd: string): Promise<Result<Places, Failure>> {
  const inside = await gitText(['rev-parse', '--is-inside-work-tree'], {cwd});
  if (!inside.ok) return fail(outside(cwd, inside.failure));
  if (inside.value !== 'true') {
    const bare = await gitText(['rev-parse', '--is-bare-repository'], {cwd});
    const detail =
      bare.ok && bare.value === 'true'
        ? 'it is a bare repository, without a checkout (`git worktree add FOLDER` makes one to run godel in)'
        : 'it is inside of a `.git` folder';
    return fail({reason: 'repository-required', folder: cwd, detail});
  }
  const root = await gitText(['rev-parse', '--show-toplevel'], {cwd});
  if (!root.ok) return root;
  const gitFolder = await gitText(['rev-parse', '--path-format=absolute', '--git-common-dir'], {cwd});
  if (!gitFolder.ok) return gitFolder;
  const prefix = await gitText(['rev-parse', '--show-prefix'], {cwd});
  return prefix.ok ? ok({root: root.value, gitFolder: gitFolder.value, prefix: prefix.value}) : prefix;
}

function outside(folder: string, failure: Failure): Failure {
  if (failure.reason !== 'git-failed') return failure;
  if (/not a git repository \(or any/.test(failure.detail)) {
    return {reason: 'repository-required', folder, detail: 'it is not inside of a git repository'};
  }
  return failure;
}

/** What HEAD points to; in a repository without commits the commit of an empty tree, the same one each time. */
async function startOf(cwd: string): Promise<Result<string, Failure>> {
  const head = await gitText(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], {cwd, codes: [0, 1]});
  if (!head.ok || head.value !== '') return head;
  const tree = await gitText(['hash-object', '-t', 'tree', '-w', '--stdin'], {cwd});
  if (!tree.ok) return tree;
  const date = '2000-01-01T00:00:00Z';
  return gitText(['commit-tree', tree.value, '-m', 'Nothing yet'], {
    cwd,
    env: {GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date},
  });
}

/**
 * The branch for a new team: `godel/<team>`, or with a number when that is there already (it has the work of an earlier team of the
 * name), or `godel-<team>` when a branch `godel` leaves no room for a folder of that name.
 */
async function freeBranch(cwd: string, team: string): Promise<Result<string, Failure>> {
  const listed = await git(['for-each-ref', '--format=%(refname)', 'refs/heads/godel', 'refs/heads/godel-*'], {cwd});
  if (!listed.ok) return listed;
  // On a file system that knows no case, two that differ by nothing else are one.
  const taken = listed.value.stdout.toLowerCase().split('\n');
  const isFree = (branch: string) => {
    const ref = `refs/heads/${branch}`.toLowerCase();
    return !taken.some(each => each === ref || each.startsWith(`${ref}/`));
  };
  const first = taken.includes('refs/heads/godel') ? branchOf(team).replace('/', '-') : branchOf(team);
  let branch = first;
  for (let number = 2; !isFree(branch); number += 1) branch = `${first}-${number}`;
  return ok(branch);
}
