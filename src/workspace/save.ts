import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Work} from '../model/work.ts';
import {git, gitText} from './git.ts';
import type {Snapshot} from './snapshot.ts';
import type {CommitText} from './workspace.ts';

export interface SaveOrder {
  /** Any folder of the repository. */
  readonly cwd: string;
  readonly base: string;
  readonly ref: string;
  readonly message: CommitText;
  /** The commit that this attempt has put into the ref before; null: none. */
  readonly kept: string | null;
  /** Called before the ref is changed. */
  readonly onCommit: (commit: string | null) => void;
}

/**
 * Keeps a snapshot as one commit on `base` in the ref; the same snapshot again is the same commit. Without any difference
 * there is no commit and no ref. What somebody else has kept in the ref (the project was set up anew and counts from 1
 * again) is moved beside it, never overwritten.
 */
export async function saveSnapshot(snapshot: Snapshot, order: SaveOrder): Promise<Result<Work | null, Failure>> {
  const {cwd, base, ref, kept} = order;
  const {paths, insertions, deletions} = snapshot.change;
  const change = {files: paths.length, insertions, deletions};
  const before = await readKept(ref, cwd);
  if (!before.ok) return before;
  const foreign = before.value !== null && before.value.commit !== kept ? before.value : null;
  const moved = foreign === null || isSame(foreign, snapshot.tree, base) ? ok('') : await moveAside(ref, foreign, cwd);
  if (!moved.ok) return moved;
  if (change.files === 0) {
    order.onCommit(null);
    const removed = before.value === null ? ok('') : await gitText(['update-ref', '-d', ref], {cwd});
    return removed.ok ? ok(null) : removed;
  }
  if (before.value !== null && isSame(before.value, snapshot.tree, base)) {
    order.onCommit(before.value.commit);
    return ok({commit: before.value.commit, base, ref, ...change});
  }
  const commit = await commitOf(snapshot, order);
  if (!commit.ok) return commit;
  order.onCommit(commit.value);
  const updated = await git(['update-ref', ref, commit.value], {cwd});
  return updated.ok ? ok({commit: commit.value, base, ref, ...change}) : updated;
}

export interface Kept {
  readonly commit: string;
  readonly tree: string;
  /** Parent of the commit. */
  readonly base: string;
}

/** What a ref keeps; null when there is no such ref. */
export async function readKept(ref: string, cwd: string): Promise<Result<Kept | null, Failure>> {
  const said = await gitText(['for-each-ref', '--format=%(refname) %(objectname) %(tree) %(parent)', ref], {cwd});
  if (!said.ok) return said;
  const line = said.value.split('\n').find(each => each.startsWith(`${ref} `));
  const [, commit, tree, base] = line?.split(' ') ?? [];
  if (commit === undefined || tree === undefined || base === undefined) return ok(null);
  return ok({commit, tree, base});
}

function isSame(kept: Kept, tree: string, base: string): boolean {
  return kept.tree === tree && kept.base === base;
}

async function moveAside(ref: string, {commit}: Kept, cwd: string): Promise<Result<string, Failure>> {
  const aside = `${ref}-${commit.slice(0, 12)}`;
  return gitText(['update-ref', aside, commit], {cwd});
}

async function commitOf(snapshot: Snapshot, {cwd, base, message}: SaveOrder): Promise<Result<string, Failure>> {
  const {name, email} = message.author;
  const notes = [
    ...noteOf('Left out, too large or unreadable', snapshot.leftOut),
    ...noteOf('Repositories within, kept as plain files', snapshot.repositories),
  ];
  const commit = await gitText(['commit-tree', snapshot.tree, '-p', base, '-F', '-'], {
    cwd,
    input: [message.subject, ...notes].join('\n\n'),
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
    },
  });
  if (!commit.ok || commit.value !== '') return commit;
  return fail({reason: 'git-failed', detail: 'git commit-tree: it made no commit'});
}

const MAX_NAMED = 100;

function noteOf(what: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [];
  const more = paths.length > MAX_NAMED ? [`and ${paths.length - MAX_NAMED} more`] : [];
  return [[`${what}:`, ...paths.slice(0, MAX_NAMED), ...more].join('\n')];
}
