import type {JsonValue} from '../base/json.ts';

/** Longer lines are dropped: nothing that a CLI says needs more. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** Of a line that is no JSON, this much is passed on. */
const MAX_NOISE_BYTES = 2048;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export type JsonObject = {readonly [key: string]: JsonValue};

export interface JsonLineReader {
  /** A JSON object that stood on a line of its own. */
  object(value: JsonObject): void;
  /** A line that is anything else, shortened. Empty lines are passed over. */
  noise(text: string): void;
}

export interface JsonLines {
  readonly push: (chunk: Uint8Array) => void;
  /** The output is complete: what stands after the last line end is a line too. */
  readonly end: () => void;
}

/**
 * Takes bytes as they come and gives the lines of JSON in them. Only `\n` ends a line (U+2028 is legal inside a JSON
 * string); lines are put together as bytes, so that a character cut in two by a chunk's end stays whole. A line over the
 * limit is dropped to its end and reported once. Lines that begin with one of `skip` are passed over unread.
 */
export function jsonLines(
  reader: JsonLineReader,
  {maxLineBytes = MAX_LINE_BYTES, skip = []}: {maxLineBytes?: number; skip?: readonly string[]} = {},
): JsonLines {
  const skipped = skip.map(prefix => Buffer.from(prefix));
  let parts: Uint8Array[] = [];
  let size = 0;
  let dropping = false;

  function add(part: Uint8Array): void {
    if (dropping || part.length === 0) return;
    size += part.length;
    // Copied: the caller may use the chunk's memory again.
    parts.push(Buffer.from(part));
    if (size <= maxLineBytes) return;
    reader.noise(`a line of more than ${maxLineBytes} bytes was dropped: ${shortened(joined(parts, MAX_NOISE_BYTES))}`);
    dropping = true;
    parts = [];
  }

  function finish(): void {
    const line = dropping ? null : joined(parts, size);
    parts = [];
    size = 0;
    dropping = false;
    if (line === null || skipped.some(prefix => line.subarray(0, prefix.length).equals(prefix))) return;
    readLine(line, reader);
  }

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        add(chunk.subarray(start, end));
        finish();
        start = end + 1;
      }
      add(chunk.subarray(start));
    },
    end: finish,
  };
}

function readLine(bytes: Buffer, reader: JsonLineReader): void {
  const line = bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
  const text = line.toString('utf8').trim();
  if (text === '') return;
  const value = objectOf(text);
  if (value === null) reader.noise(shortened(line));
  else reader.object(value);
}

/** The object that a text is; null for any other JSON and for what is none. */
export function objectOf(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null;
  try {
    // `JSON.parse` of a text that begins with a brace gives an object or throws.
    return JSON.parse(text) as JsonObject;
  } catch {
    // Not JSON: the caller says so.
    return null;
  }
}

function joined(parts: readonly Uint8Array[], limit: number): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat(parts, Math.min(size, limit));
}

function shortened(line: Buffer): string {
  const text = line.subarray(0, MAX_NOISE_BYTES).toString('utf8');
  return line.length > MAX_NOISE_BYTES ? `${text}…` : text;
}
