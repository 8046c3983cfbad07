import {oneLine} from '../base/one-line.ts';
import type {Ending} from './ending.ts';
import type {OutputLog} from './output-log.ts';
import type {Redaction} from './redaction.ts';

const LINE_CHARACTERS = 2000;

export interface AttemptLogOptions {
  readonly log: OutputLog;
  readonly redaction: Redaction;
  readonly ending: Ending;
  readonly onOutput: () => void;
}

/** The log of an attempt without the values of secrets. That it cannot be written ends the attempt. */
export class AttemptLog {
  readonly #options: AttemptLogOptions;
  #midLine = false;

  constructor(options: AttemptLogOptions) {
    this.#options = options;
  }

  get tail(): string {
    return this.#options.log.tail;
  }

  /** From now on `tail` is of what another program prints. */
  beginStep(): void {
    this.#options.log.beginStep();
  }

  get lastLine(): string | null {
    return this.#options.log.lastLine;
  }

  /** Takes what a program prints, as it is. */
  stream(): {write(chunk: Buffer): void; end(): void} {
    const redacted = this.#options.redaction.stream();
    return {
      write: chunk => this.#write(redacted.write(chunk)),
      end: () => this.#write(redacted.end()),
    };
  }

  /** A line about what is going on, of a text that may have any form. */
  line(text: string): void {
    const line = oneLine(this.#options.redaction.text(text), LINE_CHARACTERS);
    this.#write(Buffer.from(`${this.#midLine ? '\n' : ''}${line}\n`));
  }

  /** A line of ours among the program's own. */
  note(text: string): void {
    this.line(`[godel: ${text}]`);
  }

  close(): void {
    this.#options.log.close();
  }

  #write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#midLine = bytes.at(-1) !== 0x0a;
    const written = this.#options.log.write(bytes);
    if (!written.ok) this.#options.ending.begin(written.failure);
    this.#options.onOutput();
  }
}
