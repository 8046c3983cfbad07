import {writeSync} from 'node:fs';

export type JsonMode = 'none' | 'one' | 'lines';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

// The other screen, no cursor, no wrapping: a line that is too long after a resize must not spill into the next.
const ENTER_FULL_SCREEN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
// Synchronized output off, wrapping on, normal screen, cursor shown.
const LEAVE_FULL_SCREEN = '\u001b[?2026l\u001b[?7h\u001b[?1049l\u001b[?25h';

export interface PrintOptions {
  readonly json: JsonMode;
  /** Absent: coloured where it is a terminal and the environment does not say otherwise. */
  readonly color?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream & {readonly fd?: number};
  readonly stderr: NodeJS.WriteStream;
}

/**
 * The only writer to standard output and standard error. What was asked for goes to standard output; progress, questions
 * and messages go to standard error, and with `--json` so does all text for people.
 */
export class Print {
  readonly json: JsonMode;
  readonly #options: PrintOptions;
  #fullScreen = false;

  constructor(options: PrintOptions) {
    this.#options = options;
    this.json = options.json;
  }

  /** A line of the answer. With `--json` it is text for people and goes to standard error. */
  line(text = ''): void {
    (this.json === 'none' ? this.#options.stdout : this.#options.stderr).write(`${text}\n`);
  }

  /** Output of a task. Byte by byte into a file or pipe; what could steer a terminal, all but colours, stays out of one. */
  log(data: Uint8Array): void {
    const {stdout} = this.#options;
    if (!stdout.isTTY) stdout.write(data);
    else if (data.length > 0) stdout.write(harmless(Buffer.from(data).toString('utf8')));
  }

  /** A line of progress or advice. */
  note(text: string): void {
    this.#options.stderr.write(`${text}\n`);
  }

  /** Something left standing before an answer is typed. */
  question(text: string): void {
    this.#options.stderr.write(text);
  }

  /** The one JSON value of `--json`, or one more line of `--json=lines`. */
  value(value: unknown): void {
    this.#options.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Coloured for standard output, or for standard error with `--json`. */
  style(style: Style, text: string): string {
    return this.#paint(style, text, this.json === 'none' ? this.#options.stdout : this.#options.stderr);
  }

  styleNote(style: Style, text: string): string {
    return this.#paint(style, text, this.#options.stderr);
  }

  /** Whether colours are wanted on this stream: `--no-color`, NO_COLOR and FORCE_COLOR are heard. */
  hasColor(stream: NodeJS.WriteStream): boolean {
    const {color, env} = this.#options;
    if (color !== undefined) return color;
    if ((env['NO_COLOR'] ?? '') !== '') return false;
    if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
    return stream.isTTY && env['TERM'] !== 'dumb';
  }

  /** Switches standard output to the terminal's other screen; `restore` (also at any exit) brings back what was there. */
  enterFullScreen(): void {
    this.#fullScreen = true;
    this.#options.stdout.write(ENTER_FULL_SCREEN);
  }

  /** Writes to the full screen as it is. */
  draw(text: string): void {
    if (this.#fullScreen) this.#options.stdout.write(text);
  }

  /** Puts the terminal back as it was. Synchronous, so that it also works while the process ends; harmless twice. */
  restore(): void {
    if (!this.#fullScreen) return;
    this.#fullScreen = false;
    try {
      writeSync(this.#options.stdout.fd ?? 1, LEAVE_FULL_SCREEN);
    } catch {
      // The terminal is gone, and with it what there was to restore.
    }
  }

  /** Resolves when everything written has been handed to the system. */
  async flush(): Promise<void> {
    await Promise.all([drained(this.#options.stdout), drained(this.#options.stderr)]);
  }

  #paint(style: Style, text: string, stream: NodeJS.WriteStream): string {
    if (!this.hasColor(stream)) return text;
    const [on, off] = CODES[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }
}

// OSC and other string sequences; CSI sequences that are not colours; other escapes; control characters but \t \n \r.
const STEERING =
  /\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b\[[0-?]*[ -/]*[@-ln-~]|\u001b[^[\]PX^_]|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u007f-\u009f]/g;

function harmless(text: string): string {
  return text.replaceAll(STEERING, '');
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
