import {closeSync, openSync} from 'node:fs';
import {ReadStream} from 'node:tty';
import type {Cli} from './cli.ts';

export interface Question {
  readonly text: string;
  /** Single characters that are answers; anything else is not heard. */
  readonly keys: readonly string[];
  /** What Ctrl-C, Ctrl-D and an abort mean. */
  readonly otherwise: string;
  readonly signal?: AbortSignal;
}

/** Whether somebody can be asked: standard error is a terminal and there is a keyboard, be it not standard input. */
export function canAsk(cli: Cli): boolean {
  if (!cli.stderr.isTTY) return false;
  if (cli.stdin.isTTY) return true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Asks on standard error and resolves with the key that was pressed. */
export async function ask(cli: Cli, {text, keys, otherwise, signal}: Question): Promise<string> {
  // Standard input may be the lines of `--each`; the keyboard is still at the terminal.
  const keyboard = cli.stdin.isTTY ? cli.stdin : new ReadStream(openSync('/dev/tty', 'r'));
  cli.print.question(text);
  keyboard.setRawMode(true);
  keyboard.resume();
  try {
    const key = await nextKey(keyboard, new Set(keys), otherwise, signal);
    cli.print.question(signal?.aborted ? '\n' : `${key}\n`);
    return key;
  } finally {
    keyboard.setRawMode(false);
    keyboard.pause();
    if (keyboard !== cli.stdin) keyboard.destroy();
  }
}

function nextKey(
  keyboard: ReadStream,
  keys: ReadonlySet<string>,
  otherwise: string,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise(resolve => {
    const settle = (key: string) => {
      keyboard.off('data', onData);
      signal?.removeEventListener('abort', onAbort);
      resolve(key);
    };
    const onAbort = () => settle(otherwise);
    const onData = (data: Buffer) => {
      for (const character of data.toString('utf8').toLowerCase()) {
        if (keys.has(character)) return settle(character);
        if (character === '\u0003' || character === '\u0004') return settle(otherwise);
      }
    };
    keyboard.on('data', onData);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, {once: true});
  });
}
