import {type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync} from 'node:child_process';
import {readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import type {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';
import {PROGRAM} from './cli-process.ts';

/** Whether `script` can give a program a terminal here. */
export function hasTerminals(): boolean {
  return process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;
}

let terminals = 0;

/** The program at a terminal of its own (by `script` of util-linux), whose keys and size the test controls. */
export class Terminal implements AsyncDisposable {
  readonly exited: Promise<number | null>;
  readonly #pidFile: string;
  readonly #script: ChildProcessWithoutNullStreams;
  #shown = '';

  constructor(rig: Rig, args: readonly string[], {columns = 80, rows = 24, env = {}} = {}) {
    const words = [process.execPath, PROGRAM, ...args].map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    this.#pidFile = join(rig.root, `terminal-${(terminals += 1)}.pid`);
    // Notes the settings of the terminal before and after; Ctrl-C is for the program, not for this shell.
    const size = `stty rows ${rows} columns ${columns}`;
    const program = `sh -c 'echo $$ > "$0"; exec "$@"' '${this.#pidFile}' ${words}`;
    const script = `trap : INT; ${size}; stty -g > before; ${program}; code=$?; stty -g > after; exit $code`;
    this.#script = spawn('script', ['-qec', script, '/dev/null'], {
      cwd: rig.folder,
      env: {
        ...Object.fromEntries(Object.entries(rig.env).filter(([name]) => name !== 'NO_COLOR')),
        TERM: 'xterm-256color',
        SHELL: '/bin/sh',
        ...env,
      },
    });
    this.#script.stdout.setEncoding('utf8').on('data', (text: string) => (this.#shown += text));
    this.#script.stdin.on('error', () => undefined);
    this.exited = new Promise(resolve => this.#script.once('close', code => resolve(code)));
  }

  /** Everything that was written to it so far, control sequences included. */
  get shown(): string {
    return this.#shown;
  }

  /** What was written as somebody reads it: without control sequences. */
  get text(): string {
    return plain(this.#shown);
  }

  async seen(what: string | RegExp, {after = 0} = {}): Promise<void> {
    const matches = (text: string) => (typeof what === 'string' ? text.includes(what) : what.test(text));
    await until(`the terminal shows ${String(what)}`, () => matches(plain(this.#shown.slice(after)))).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${this.text.slice(-3000)}`);
      },
    );
  }

  press(keys: string): void {
    this.#script.stdin.write(keys);
  }

  /** The pid of the program itself. */
  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }

  resize(columns: number, rows: number): void {
    const tty = readlinkSync(`/proc/${this.pid}/fd/1`);
    execFileSync('stty', ['-F', tty, 'rows', String(rows), 'columns', String(columns)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#script.stdin.end();
    if (this.#script.exitCode === null) process.kill(this.pid, 'SIGKILL');
    await this.exited;
  }
}

function plain(text: string): string {
  return text.replaceAll(/\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[@-Z\\^_78=>]/g, '');
}
