import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import picomatch from 'picomatch';
import {glob} from 'tinyglobby';
import {git, gitText} from './git.ts';
import {findCheckout} from './repository.ts';
import {testCommand} from './test-command.ts';

/** A file, relative to the surveyed folder. */
export interface SurveyedFile {
  readonly path: string;
  /** Null: nobody has asked. */
  readonly bytes: number | null;
}

/** What there is in a folder of a repository: what worktrees start from, so what is not committed is not in it. */
export interface Survey {
  /** Path of the folder within its repository, as `packages/a/`; empty at its root, and outside of git. */
  readonly prefix: string;
  readonly isRepository: boolean;
  readonly files: readonly SurveyedFile[];
  /** Files beyond what is looked at. */
  readonly omitted: number;
  /** The last commits, the newest first, a line each. */
  readonly history: readonly string[];
  /** How its tests are run, as far as its manifests say; null: they do not. */
  readonly test: string | null;
}

const MAX_FILES = 200_000;
const MAX_COMMITS = 20;
const MAX_MANIFEST = 2 * 1024 * 1024;
/** Outside of git nothing says what is of no interest. */
const IGNORED = ['**/node_modules/**', '**/.git/**', '**/.godel/**', '**/target/**', '**/dist/**', '**/.venv/**'];
const MAX_DEPTH = 20;

/** Looks at a folder; reads only. What cannot be found out is left out. */
export async function survey(cwd: string): Promise<Survey> {
  const checkout = await findCheckout(cwd);
  const all = checkout.ok ? await committedFiles(cwd) : await presentFiles(cwd);
  const files = all.slice(0, MAX_FILES);
  const has = new Set(files.map(({path}) => path));
  return {
    prefix: checkout.ok ? checkout.value.prefix : '',
    isRepository: checkout.ok,
    files,
    omitted: all.length - files.length,
    history: checkout.ok ? await history(cwd) : [],
    test: await testCommand({has: path => has.has(path), read: path => manifest(join(cwd, path))}),
  };
}

async function committedFiles(cwd: string): Promise<readonly SurveyedFile[]> {
  const listed = await git(['ls-tree', '-r', '-l', '-z', 'HEAD'], {cwd, codes: [0, 128]});
  if (!listed.ok || listed.value.exitCode !== 0) return [];
  return listed.value.stdout.split('\0').flatMap(line => {
    const [, size, path] = /^100\d{3} blob \S+ +(\d+|-)\t(.+)$/s.exec(line) ?? [];
    return path === undefined ? [] : [{path, bytes: Number(size) || 0}];
  });
}

async function presentFiles(cwd: string): Promise<readonly SurveyedFile[]> {
  const paths = await glob(['**'], {cwd, dot: true, ignore: IGNORED, deep: MAX_DEPTH, followSymbolicLinks: false});
  return paths.sort().map(path => ({path, bytes: null}));
}

async function history(cwd: string): Promise<readonly string[]> {
  const said = await gitText(['log', `-${MAX_COMMITS}`, '--format=%as %s', '--', '.'], {cwd, codes: [0, 128]});
  return said.ok ? said.value.split('\n').filter(line => line !== '') : [];
}

/** The text of a manifest; null when it cannot be read or is no manifest any more by its size. */
async function manifest(file: string): Promise<string | null> {
  try {
    const text = await readFile(file, 'utf8');
    return text.length <= MAX_MANIFEST ? text : null;
  } catch {
    return null;
  }
}

/** Each names a package by being in its folder. */
const MANIFESTS = new Set([
  'package.json',
  'Cargo.toml',
  'go.mod',
  'pyproject.toml',
  'setup.py',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'Gemfile',
  'composer.json',
  'mix.exs',
  'pubspec.yaml',
]);
/** Every new pattern is compared with every file. */
const MAX_PATTERNS = 500;

/** Finds files, folders and packages among the files of a survey. */
export class SurveyIndex {
  readonly #paths: readonly string[];
  readonly #files: ReadonlySet<string>;
  readonly #folders: ReadonlySet<string>;
  readonly #known = new Map<string, readonly string[]>();

  constructor({files}: Pick<Survey, 'files'>) {
    this.#paths = files.map(({path}) => path).sort();
    this.#files = new Set(this.#paths);
    this.#folders = new Set(this.#paths.flatMap(foldersOf));
  }

  /** Those that match; a folder stands for all in it. Hidden files only where the pattern names them. */
  files(pattern: string): readonly string[] {
    const bare = pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
    if (this.#files.has(bare)) return [bare];
    const known = this.#known.get(bare);
    if (known) return known;
    const found = this.#folders.has(bare)
      ? this.#paths.filter(path => path.startsWith(`${bare}/`))
      : this.#matching(bare, this.#paths);
    this.#known.set(bare, found);
    return found;
  }

  folders(pattern: string): readonly string[] {
    const bare = pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
    return this.#matching(/[*?{[]/.test(bare) ? bare : `${bare}/*`, [...this.#folders].sort());
  }

  /** Folders with a manifest, without the one that holds all others. */
  packages(): readonly string[] {
    const folders = this.#paths
      .map(path => [path.slice(0, Math.max(0, path.lastIndexOf('/'))), path.slice(path.lastIndexOf('/') + 1)] as const)
      .filter(([folder, name]) => MANIFESTS.has(name) && folder !== '')
      .map(([folder]) => folder);
    return [...new Set(folders)].filter(folder => !/(?:^|\/)(?:node_modules|fixtures|testdata)(?:\/|$)/.test(folder));
  }

  #matching(pattern: string, paths: readonly string[]): readonly string[] {
    if (!/[*?{[]/.test(pattern) || this.#known.size >= MAX_PATTERNS) return [];
    const isMatch = picomatch(pattern, {nonegate: true});
    return paths.filter(path => isMatch(path));
  }
}

/** The folders that a file is in. */
function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) folders.push(path.slice(0, at));
  return folders;
}
