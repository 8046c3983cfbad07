const MASK = '***';
/** Shorter values are words like any other: hiding them would hide half of every log and protect nothing. */
const MIN_CHARACTERS = 6;

/** Hides the values of secrets in what is shown or reported. A value of several lines is hidden line by line. */
export class Redaction {
  readonly #secrets: readonly string[];
  readonly #inText: RegExp | null;
  readonly #inBytes: RegExp | null;

  constructor(values: readonly string[]) {
    const lines = values.flatMap(value => value.split(/[\r\n]+/)).filter(line => line.length >= MIN_CHARACTERS);
    // As it stands, and as it would stand inside a JSON string. The longer first, so that none hides a part of another.
    this.#secrets = [...new Set(lines.flatMap(line => [line, JSON.stringify(line).slice(1, -1)]))].sort(
      (a, b) => b.length - a.length,
    );
    this.#inText = anyOf(this.#secrets);
    this.#inBytes = anyOf(this.#secrets.map(asBytes));
  }

  /** The values of those of the variables that are secret. */
  static of(env: Readonly<Record<string, string>>, names: readonly string[]): Redaction {
    return new Redaction(names.flatMap(name => env[name] ?? []));
  }

  /** Also hides what may be the beginning of a secret at the end of the text: it may have been cut there. */
  text(text: string): string {
    if (!this.#inText) return text;
    const clean = text.replaceAll(this.#inText, MASK);
    const begun = begunAtEnd(clean, this.#secrets);
    return begun < MIN_CHARACTERS ? clean : `${clean.slice(0, -begun)}${MASK}`;
  }

  /** A stream of bytes in which secrets are hidden wherever the chunks end. */
  stream(): RedactedStream {
    return new RedactedStream(this.#inBytes, this.#secrets.map(asBytes));
  }
}

/** Holds back only what may be the beginning of a secret. Bytes are handled as Latin-1 characters, one each. */
class RedactedStream {
  readonly #pattern: RegExp | null;
  readonly #secrets: readonly string[];
  #held = '';

  constructor(pattern: RegExp | null, secrets: readonly string[]) {
    this.#pattern = pattern;
    this.#secrets = secrets;
  }

  /** What can be shown by now. */
  write(chunk: Buffer): Buffer {
    if (!this.#pattern) return chunk;
    const text = this.#held + chunk.toString('latin1');
    let from = 0;
    let sureUpTo = text.length - begunAtEnd(text, this.#secrets);
    let shown = '';
    for (const match of text.matchAll(this.#pattern)) {
      // A longer secret may begin here, or before.
      if (match.index >= sureUpTo) break;
      shown += text.slice(from, match.index) + MASK;
      from = match.index + match[0].length;
      if (from > sureUpTo) sureUpTo = text.length - begunAtEnd(text.slice(from), this.#secrets);
    }
    this.#held = text.slice(sureUpTo);
    return Buffer.from(shown + text.slice(from, sureUpTo), 'latin1');
  }

  /** What was held back: nothing follows that would make it a secret, but it may be a whole one itself. */
  end(): Buffer {
    const rest = this.#pattern ? this.#held.replaceAll(this.#pattern, MASK) : this.#held;
    this.#held = '';
    return Buffer.from(rest, 'latin1');
  }
}

export type {RedactedStream};

/** How many characters at the end of the text are the beginning, not the whole, of one of the secrets: the most. */
function begunAtEnd(text: string, secrets: readonly string[]): number {
  let most = 0;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length > most; length -= 1) {
      if (text.endsWith(secret.slice(0, length))) most = length;
    }
  }
  return most;
}

function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function anyOf(texts: readonly string[]): RegExp | null {
  if (texts.length === 0) return null;
  return new RegExp(texts.map(text => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
}
