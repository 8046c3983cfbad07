import {plural} from '../../base/amount.ts';
import type {Draft} from './drafts.ts';
import {type Each, eachOf} from './each-file.ts';
import type {Reading} from './reading.ts';
import type {RepositoryFiles} from './subtask.ts';

/** What a draft is to be done for: once, or for each of these paths, or it was asked for and there is none. */
export type Target =
  | {readonly kind: 'once'}
  | {readonly kind: 'each'; readonly what: Each['what']; readonly paths: readonly string[]}
  | {readonly kind: 'nothing'; readonly because: string};

const MAX_CHARS = 2000;

export function targetOf(draft: Draft, repository: RepositoryFiles | null): Target {
  const each = eachOf(draft.text.slice(0, MAX_CHARS));
  if (!each) return {kind: 'once'};
  if (!repository) return {kind: 'nothing', because: 'nobody has said which files there are'};
  const paths = pathsOf(each, repository);
  if (paths.length > 0) return {kind: 'each', what: each.what, paths};
  const because =
    each.what === 'packages'
      ? 'there is no package: no folder with a package.json, Cargo.toml, go.mod, pyproject.toml or the like'
      : `no ${each.what === 'folders' ? 'folder' : 'file'} matches ${each.glob}`;
  return {kind: 'nothing', because};
}

function pathsOf({what, glob}: Each, repository: RepositoryFiles): readonly string[] {
  if (what === 'packages') return repository.packages();
  return what === 'folders' ? repository.folders(glob) : repository.files(glob);
}

/** Paths divided into so many shares of nearly the same size, neighbours together. */
export function shares(paths: readonly string[], parallelism: number): readonly (readonly string[])[] {
  const number = Math.min(parallelism, paths.length);
  return Array.from({length: number}, (_, index) => {
    return paths.slice(Math.floor((index * paths.length) / number), Math.floor(((index + 1) * paths.length) / number));
  });
}

export function sayTarget(
  draft: Draft,
  target: Target,
  {reading, parallelism}: {reading: Reading; parallelism: number | undefined},
): void {
  if (target.kind === 'once') return;
  if (target.kind === 'nothing') {
    reading.add(`Line ${draft.line}: it is to be done for each of many, but ${target.because}; it stays one task.`);
    return;
  }
  const found = plural(target.paths.length, target.what.slice(0, -1));
  const how =
    parallelism === undefined
      ? 'one task for each'
      : `divided among ${plural(Math.min(parallelism, target.paths.length), 'task')}`;
  reading.add(`Line ${draft.line}: “for each” over ${found}: ${how}.`);
}
