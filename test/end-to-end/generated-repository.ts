import {execFileSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

type Environment = Readonly<Record<string, string>>;

/** A git repository of so many modules that nobody has written yet, with a check that all of them can be loaded. */
export class GeneratedRepository {
  readonly folder: string;
  readonly #env: Environment;
  readonly files: readonly string[];
  readonly base: string;

  private constructor(folder: string, env: Environment, count: number) {
    this.folder = folder;
    this.#env = env;
    this.files = Array.from({length: count}, (_, index) => `src/module-${String(index + 1).padStart(2, '0')}.mjs`);
    mkdirSync(join(folder, 'src'), {recursive: true});
    for (const file of this.files) writeFileSync(join(folder, file), 'export const greeting = null;\n');
    writeFileSync(join(folder, 'check.mjs'), CHECK);
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('add', '.');
    this.git('commit', '--quiet', '--message', 'Begin');
    this.base = this.git('rev-parse', 'HEAD');
  }

  static create(folder: string, {env, count}: {env: Environment; count: number}): GeneratedRepository {
    mkdirSync(folder, {recursive: true});
    return new GeneratedRepository(folder, env, count);
  }

  git(...args: readonly string[]): string {
    const settings = ['-c', 'user.name=Someone', '-c', 'user.email=someone@example.com', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...settings, ...args], {cwd: this.folder, env: this.#env, encoding: 'utf8'}).trim();
  }

  /** What the check says in a fresh checkout of the branch: the number of modules with a greeting. No branch: none. */
  greetingsOn(branch: string, checkout: string): number {
    if (!this.#has(branch)) return 0;
    this.git('clone', '--quiet', '--branch', branch, this.folder, checkout);
    return Number(execFileSync(process.execPath, ['check.mjs'], {cwd: checkout, encoding: 'utf8'}));
  }

  /** The subjects of a branch's commits since the beginning. */
  commitsOn(branch: string): readonly string[] {
    if (!this.#has(branch)) return [];
    const log = this.git('log', '--format=%s', `${this.base}..${branch}`);
    return log === '' ? [] : log.split('\n');
  }

  #has(branch: string): boolean {
    return this.git('branch', '--list', branch) !== '';
  }

  /** Whether the user's checkout is as it was made. */
  get isUntouched(): boolean {
    return this.git('status', '--porcelain') === '' && this.git('rev-parse', 'HEAD') === this.base;
  }

  get worktrees(): number {
    return this.git('worktree', 'list', '--porcelain')
      .split('\n')
      .filter(line => line.startsWith('worktree ')).length;
  }
}

const CHECK = `import {readdirSync} from 'node:fs';

let greetings = 0;
for (const file of readdirSync(new URL('./src/', import.meta.url))) {
  const {greeting} = await import('./src/' + file);
  if (greeting !== null && greeting !== 'hello from ' + file) throw new Error(file + ' says ' + greeting);
  if (greeting !== null) greetings += 1;
}
console.log(greetings);
`;
