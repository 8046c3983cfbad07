import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import type {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

export function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

/** A real terminal with a shell in the rig's project, `godel` being the built program. */
export class Tmux implements Disposable {
  readonly #env: Readonly<Record<string, string>>;
  readonly #socket: string;

  private constructor(rig: Rig, {columns = 80, rows = 24}: {columns?: number; rows?: number} = {}) {
    // An empty NO_COLOR means nothing: colours are drawn.
    this.#env = {...rig.env, NO_COLOR: '', TERM: 'xterm-256color', SHELL: '/bin/sh'};
    this.#socket = join(rig.root, 'tmux');
    const program = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');
    const shell = `cd '${rig.folder}'; godel() { '${process.execPath}' '${program}' "$@"; }; PS1='$ '`;
    this.#run('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), '/bin/sh');
    this.type(`${shell}; clear`, 'Enter');
  }

  static async open(rig: Rig, size: {columns?: number; rows?: number} = {}): Promise<Tmux> {
    const terminal = new Tmux(rig, size);
    await terminal.#prompts();
    return terminal;
  }

  /** Keys as tmux names them; texts are typed. */
  type(...keys: string[]): void {
    this.#run('send-keys', ...keys);
  }

  screen(): string {
    return this.#run('capture-pane', '-p');
  }

  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Whether the other screen is shown, and whether the cursor is visible. */
  state(): {readonly otherScreen: boolean; readonly cursor: boolean} {
    const [other, cursor] = this.#run('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim().split(' ');
    return {otherScreen: other === '1', cursor: cursor === '1'};
  }

  async shows(text: string | RegExp): Promise<string> {
    const matches = (screen: string) => (typeof text === 'string' ? screen.includes(text) : text.test(screen));
    return until(`the terminal shows ${String(text)}`, () => {
      const screen = this.screen();
      return matches(screen) ? screen : null;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it shows:\n${this.screen()}`);
    });
  }

  /** Waits until the terminal is as a shell wants it: first screen, cursor, echo and whole lines. */
  async isRestored(): Promise<void> {
    await until('the first screen is back', () => !this.state().otherScreen && this.state().cursor);
    await this.#prompts();
    this.type("stty -a | grep -o -- '-\\?icanon\\|-\\?echo ' | tr '\\n' ' '; echo restored", 'Enter');
    await this.shows(/^icanon echo +restored/m);
  }

  [Symbol.dispose](): void {
    this.#run('kill-server');
  }

  /** The shell waits for a command: what is typed earlier may be thrown away with the last one's input. */
  async #prompts(): Promise<void> {
    await this.shows(/^\$\s*$(?![\s\S]*\S)/m);
  }

  #run(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], {env: this.#env, encoding: 'utf8'});
  }
}
