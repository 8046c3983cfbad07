import {spawn} from 'node:child_process';

export interface UserGitOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `terminal`: git has the terminal for itself, with pager and editor. Otherwise what it prints is handed over. */
  readonly output: 'terminal' | {readonly stdout: (chunk: Buffer) => void; readonly stderr: (chunk: Buffer) => void};
}

/** Where git should look is what we say, not what a hook around us happens to work on. */
const PLACE =
  /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|COMMON_DIR|NAMESPACE|ALTERNATE_OBJECT_DIRECTORIES)$/;

/**
 * A program (git, or gh) run for the user, at the user's own request: with their configuration, identity, hooks, signing and
 * credentials. Everything that godel does by itself goes through `git.ts` instead. Resolves with the exit code.
 */
export function runForUser(program: string, args: readonly string[], options: UserGitOptions): Promise<number | null> {
  const {cwd, env, output} = options;
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !PLACE.test(name)));
  return new Promise((resolve, reject) => {
    const stdio = output === 'terminal' ? ('inherit' as const) : (['inherit', 'pipe', 'pipe'] as const);
    const child = spawn(program, args, {cwd, env: own, stdio: typeof stdio === 'string' ? stdio : [...stdio]});
    if (output !== 'terminal') {
      child.stdout?.on('data', output.stdout);
      child.stderr?.on('data', output.stderr);
    }
    child.once('error', reject);
    child.once('close', code => resolve(code));
  });
}
