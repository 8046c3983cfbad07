import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git, gitText} from './git.ts';
import {KEPT, readRef} from './ref-names.ts';

/** Work of one attempt that is kept in a ref. */
export interface KeptWork {
  readonly ref: string;
  readonly team: string;
  readonly task: string;
  readonly attempt: number;
  readonly commit: string;
  /** What it was done on. */
  readonly base: string;
  readonly savedMs: number;
  readonly subject: string;
  readonly author: string;
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
  /** Whether some branch has it already. */
  readonly merged: boolean;
}

const FORMAT = ['%(refname)', '%(objectname)', '%(parent)', '%(committerdate:unix)', '%(authorname)', '%(subject)'];

/** All kept work of a repository, the latest first. */
export async function listKept(cwd: string): Promise<Result<readonly KeptWork[], Failure>> {
  const args = ['for-each-ref', '--sort=-committerdate', `--format=${FORMAT.join('%00')}`, KEPT];
  const listed = await gitText(args, {cwd});
  if (!listed.ok) return listed;
  const found = listed.value.split('\n').flatMap(line => {
    const [ref = '', commit = '', base = '', seconds = '', author = '', subject = ''] = line.split('\0');
    const whose = readRef(ref);
    return whose === null ? [] : [{ref, ...whose, commit, base, savedMs: Number(seconds) * 1000, author, subject}];
  });
  if (found.length === 0) return ok([]);
  const sizes = await sizesOf(
    found.map(({commit}) => commit),
    cwd,
  );
  if (!sizes.ok) return sizes;
  const merged = await mergedSince(Math.min(...found.map(({savedMs}) => savedMs)), cwd);
  if (!merged.ok) return merged;
  const none = {files: 0, insertions: 0, deletions: 0};
  return ok(
    found.map(each => ({...each, ...(sizes.value.get(each.commit) ?? none), merged: merged.value.has(keyOf(each))})),
  );
}

/** The one piece of kept work that is meant by a ref, its end (`TEAM/TASK/ATTEMPT`), or the beginning of its commit. */
export async function findKept(name: string, cwd: string): Promise<Result<KeptWork, Failure>> {
  const all = await listKept(cwd);
  if (!all.ok) return all;
  const isCommit = /^[0-9a-f]{6,64}$/.test(name);
  const found = all.value.filter(
    ({ref, commit}) => ref === name || ref === `${KEPT}${name}` || (isCommit && commit.startsWith(name)),
  );
  const [first] = found;
  if (first !== undefined && new Set(found.map(({commit}) => commit)).size === 1) return ok(first);
  const message =
    first === undefined ? `no work is kept as ${name}` : `${name} means ${found.length} kept pieces of work`;
  return fail({reason: 'usage', message, hint: 'See `godel recover list`.'});
}

/** What was changed, as a patch that `git apply` takes. */
export async function patchOf({base, commit}: KeptWork, cwd: string): Promise<Result<Buffer, Failure>> {
  return patchBetween(base, commit, cwd);
}

/**
 * Puts kept work into a checkout as uncommitted changes; all of it or, when that would mix with other changes, nothing. The index
 * stays as it is. Returns the files changed.
 */
export async function applyKept(
  work: KeptWork,
  place: {root: string; checkedOut: string | null},
): Promise<Result<number, Failure>> {
  const {root} = place;
  const head = await treeOfHead(root);
  if (!head.ok) return head;
  const merged = await mergeOnto(head.value, work, place);
  if (!merged.ok) return merged;
  const patch = await patchBetween(head.value, merged.value, root);
  if (!patch.ok || patch.value.length === 0) return patch.ok ? ok(0) : patch;
  const options = {cwd: root, input: patch.value};
  const fits = await git(['apply', '--check', '--whitespace=nowarn'], {...options, codes: [0, 1]});
  if (!fits.ok) return fits;
  if (fits.value.exitCode !== 0) return fail(inTheWay(fits.value.stderr));
  const applied = await git(['apply', '--whitespace=nowarn'], options);
  return applied.ok ? ok(countFiles(patch.value.toString('latin1'))) : applied;
}

/** Makes a branch of kept work, as it was done, without touching any checkout. */
export async function branchKept(
  {commit}: KeptWork,
  place: {root: string; branch: string},
): Promise<Result<void, Failure>> {
  const {root, branch} = place;
  const valid = await git(['check-ref-format', '--branch', branch], {cwd: root, codes: [0, 1, 128]});
  if (!valid.ok) return valid;
  if (valid.value.exitCode !== 0) return fail({reason: 'usage', message: `${branch} is no name for a branch`});
  const made = await git(['update-ref', `refs/heads/${branch}`, commit, '0'.repeat(commit.length)], {
    cwd: root,
    codes: [0, 128],
  });
  if (!made.ok) return made;
  if (made.value.exitCode === 0) return ok(undefined);
  return fail({reason: 'usage', message: `there is a branch ${branch} already`, hint: 'Choose another name.'});
}

/** Forgets kept work; what was put there again in the meantime stays. */
export async function dropKept(works: readonly KeptWork[], cwd: string): Promise<Result<void, Failure>> {
  const input = works.map(({ref, commit}) => `delete ${ref} ${commit}\n`).join('');
  const done = await git(['update-ref', '--stdin'], {cwd, input});
  return done.ok ? ok(undefined) : done;
}

type Size = Pick<KeptWork, 'files' | 'insertions' | 'deletions'>;

async function sizesOf(commits: readonly string[], cwd: string): Promise<Result<ReadonlyMap<string, Size>, Failure>> {
  const args = ['log', '--no-walk=unsorted', '--stdin', '--format=%H', '--shortstat', '--no-renames'];
  const said = await gitText(args, {cwd, input: commits.map(commit => `${commit}\n`).join('')});
  if (!said.ok) return said;
  const sizes = new Map<string, Size>();
  let commit = '';
  for (const line of said.value.split('\n')) {
    const number = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
    if (/^[0-9a-f]{40,64}$/.test(line)) commit = line;
    else if (line !== '')
      sizes.set(commit, {files: number('file'), insertions: number('insertion'), deletions: number('deletion')});
  }
  return ok(sizes);
}

const TRAILERS = ['Godel-Team', 'Godel-Task', 'Godel-Attempt'].map(
  key => `%(trailers:key=${key},valueonly,separator=)`,
);

/** What has got onto branches, by the trailers of the commits that brought it there. */
async function mergedSince(ms: number, cwd: string): Promise<Result<ReadonlySet<string>, Failure>> {
  const since = `--since=${Math.floor(ms / 1000) - 1}`;
  const args = [
    'log',
    '--branches',
    '--remotes',
    since,
    '--grep=^Godel-Attempt: ',
    `--format=${TRAILERS.join('%x00')}`,
  ];
  const said = await gitText(args, {cwd});
  if (!said.ok) return said;
  return ok(
    new Set(
      said.value.split('\n').map(line => {
        const [team = '', task = '', attempt = ''] = line.split('\0');
        return keyOf({team, task, attempt});
      }),
    ),
  );
}

function keyOf({team, task, attempt}: {team: string; task: string; attempt: number | string}): string {
  return JSON.stringify([team, task, String(attempt)]);
}

/** What is checked out; in a repository without commits, nothing. */
async function treeOfHead(cwd: string): Promise<Result<string, Failure>> {
  const tree = await gitText(['rev-parse', '--verify', '--quiet', 'HEAD^{tree}'], {cwd, codes: [0, 1]});
  return !tree.ok || tree.value !== '' ? tree : gitText(['hash-object', '-t', 'tree', '-w', '--stdin'], {cwd});
}

/** A tree with the work on top. */
async function mergeOnto(
  head: string,
  {commit, base, ref}: KeptWork,
  {root, checkedOut}: {root: string; checkedOut: string | null},
): Promise<Result<string, Failure>> {
  // As `git cherry-pick` merges: what both come from is the base of the work, wherever that is in the history.
  const ours = await gitText(['commit-tree', head, '-p', base, '-m', 'ours'], {cwd: root});
  if (!ours.ok) return ours;
  const merged = await git(['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours.value, commit], {
    cwd: root,
    codes: [0, 1],
  });
  if (!merged.ok) return merged;
  const [tree = '', ...files] = merged.value.stdout.split('\0').filter(each => each !== '');
  if (merged.value.exitCode === 0) return ok(tree.trim());
  return fail({reason: 'merge-conflict', files: [...new Set(files)], ref, branch: checkedOut ?? 'HEAD'});
}

async function patchBetween(from: string, to: string, cwd: string): Promise<Result<Buffer, Failure>> {
  const args = ['diff', '--binary', '--full-index', '--no-ext-diff', '--no-textconv', '--no-renames', from, to];
  const done = await git(args, {cwd, maxBytes: 256 * 2 ** 20});
  return done.ok ? ok(done.value.bytes) : done;
}

function inTheWay(stderr: string): Failure {
  const files = new Set<string>();
  for (const [, path] of stderr.matchAll(/^error: (?:patch failed: )?(.+?)(?::\d+|: [a-z].*)$/gm)) {
    if (path !== undefined) files.add(path);
  }
  const names = [...files].slice(0, 10).join(', ');
  return {
    reason: 'workspace-failed',
    detail: `your own changes are in the way${names === '' ? '' : `, in ${names}`}; nothing was changed`,
    hint: 'commit or stash them first, or use --branch NAME',
  };
}

function countFiles(patch: string): number {
  return patch.match(/^diff --git /gm)?.length ?? 0;
}
