import {stripVTControlCharacters} from 'node:util';

const LIMIT_BYTES = 4096;

/** Keeps the end of what a program has written, for the case that it fails. */
export interface TextTail {
  readonly push: (chunk: Uint8Array) => void;
  /** Without escape sequences of terminals, and without white space around it. */
  readonly text: () => string;
}

export function textTail(limitBytes: number = LIMIT_BYTES): TextTail {
  let chunks: Uint8Array[] = [];
  let size = 0;

  function joined(): Buffer {
    return Buffer.concat(chunks).subarray(-limitBytes);
  }

  return {
    push(chunk) {
      // Copied: the caller may use the chunk's memory again.
      chunks.push(Buffer.from(chunk.subarray(-limitBytes)));
      size += Math.min(chunk.length, limitBytes);
      if (size <= 2 * limitBytes) return;
      chunks = [joined()];
      size = limitBytes;
    },
    text() {
      return stripVTControlCharacters(joined().toString('utf8')).trim();
    },
  };
}
