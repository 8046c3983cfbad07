import {type ChildProcessWithoutNullStreams, execFileSync, spawn} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Shell} from '../../../src/cli/completion/shell-script.ts';
import type {Rig} from '../../rig/rig.ts';
import {until} from '../../rig/until.ts';

/** Whether the shell, and `script` to give it a terminal, are here. */
export function hasShell(shell: Shell): boolean {
  try {
    execFileSync(shell, ['-c', 'exit 0'], {stdio: 'ignore'});
    execFileSync('script', ['-qec', 'true', '/dev/null'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'bin', 'godel.js');
const PROMPT = '%%ready';
const EXIT_MS = 10_000;

const START: Readonly<Record<Shell, (script: string) => {command: string; set: string}>> = {
  bash: script => ({command: 'bash --norc --noprofile -i', set: `source ${script}; PS1='${PROMPT}>'`}),
  zsh: script => ({
    command: 'zsh -f -i',
    set: `autoload -Uz compinit; compinit -u -D; source ${script}; PS1='%%%%ready>'; unsetopt zle_bracketed_paste 2>/dev/null; true`,
  }),
  fish: script => ({
    command: 'fish --private --no-config -i',
    set: `source ${script}; function fish_prompt; echo -n '${PROMPT}>'; end`,
  }),
};

/**
 * An interactive shell at a terminal of its own, with the completion of godel loaded. What is typed with tabs in it is run:
 * `godel` notes the words it was called with, unless the shell asks it for completions.
 */
export class InteractiveShell implements AsyncDisposable {
  readonly #script: ChildProcessWithoutNullStreams;
  readonly #calls: string;
  readonly #exited: Promise<void>;
  #shown = '';
  #seen = 0;

  private constructor(rig: Rig, shell: Shell) {
    const bin = join(rig.root, 'bin');
    this.#calls = join(rig.root, `calls-${shell}`);
    mkdirSync(bin, {recursive: true});
    const note = `require('fs').appendFileSync(process.env.CALLS, JSON.stringify(process.argv.slice(1)) + '\\n')`;
    writeFileSync(
      join(bin, 'godel'),
      `#!/bin/sh\ncase "$1" in complete|completion) exec '${process.execPath}' '${PROGRAM}' "$@";; esac\nexec '${process.execPath}' -e "${note}" -- "$@"\n`,
    );
    chmodSync(join(bin, 'godel'), 0o755);
    const script = join(rig.root, `completion.${shell}`);
    writeFileSync(script, execFileSync(process.execPath, [PROGRAM, 'completion', shell], {cwd: rig.folder}));
    const {command, set} = START[shell](script);
    this.#script = spawn('script', ['-qec', `stty rows 40 columns 200; exec ${command}`, '/dev/null'], {
      cwd: rig.folder,
      env: {
        ...rig.env,
        PATH: `${bin}:${rig.env['PATH'] ?? ''}`,
        TERM: 'xterm-256color',
        SHELL: '/bin/sh',
        CALLS: this.#calls,
      },
    });
    this.#script.stdout.setEncoding('utf8').on('data', (text: string) => (this.#shown += text));
    this.#script.stdin.on('error', () => undefined);
    this.#exited = new Promise(resolve => this.#script.once('close', () => resolve()));
    this.#script.stdin.write(`${set}\r`);
  }

  static async open(rig: Rig, shell: Shell): Promise<InteractiveShell> {
    const opened = new InteractiveShell(rig, shell);
    await opened.#prompts();
    return opened;
  }

  /** Types keys, tabs among them, presses enter, and returns the words that godel was called with. */
  async run(keys: string): Promise<readonly string[]> {
    const before = this.#lines().length;
    for (const part of keys.split(/(?<=\t)/)) {
      const length = this.#shown.length;
      this.#script.stdin.write(part);
      if (part.endsWith('\t')) await until('the shell answers the tab', () => this.#isQuiet(length));
    }
    this.#script.stdin.write('\r');
    const line = await until('godel is called', () => this.#lines()[before]).catch((error: unknown) => {
      throw new Error(`${String(error)}; the terminal shows:\n${this.#shown.slice(-2000)}`);
    });
    await this.#prompts();
    return JSON.parse(line) as string[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#script.stdin.write('\u0003exit\r');
    this.#script.stdin.end();
    // So that whatever went wrong before is what is told.
    const timer = setTimeout(() => this.#script.kill('SIGKILL'), EXIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #lines(): readonly string[] {
    return existsSync(this.#calls) ? readFileSync(this.#calls, 'utf8').trimEnd().split('\n').filter(Boolean) : [];
  }

  async #prompts(): Promise<void> {
    this.#seen = await until('the shell is ready', () => {
      const at = this.#shown.indexOf(`${PROMPT}>`, this.#seen);
      return at >= 0 ? at + 1 : null;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the terminal shows:\n${this.#shown.slice(-2000)}`);
    });
  }

  /** Something was drawn since, and nothing more for a moment: no shell says that it is done completing. */
  #lastLength = 0;
  #quietLooks = 0;
  #isQuiet(since: number): boolean {
    const length = this.#shown.length;
    this.#quietLooks = length > since && length === this.#lastLength ? this.#quietLooks + 1 : 0;
    this.#lastLength = length;
    return this.#quietLooks >= 15;
  }
}
