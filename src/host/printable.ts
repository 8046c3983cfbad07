import {stripVTControlCharacters} from 'node:util';

/** Control characters but for the line break, and those that turn the direction of writing around. */
// biome-ignore format: one class
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Bytes of a program's output as text that a terminal can be trusted with; what is not UTF-8 becomes U+FFFD. */
export function printable(bytes: Buffer): string {
  return stripVTControlCharacters(bytes.toString('utf8').replaceAll('\t', ' ')).replace(UNPRINTABLE, '');
}

/** The last line that is not blank, cut to `max` characters. Of a line that rewrote itself with `\r`, its last form. */
export function lastLineOf(bytes: Buffer, max: number): string | null {
  let end = bytes.length;
  while (end > 0) {
    const start = bytes.lastIndexOf(0x0a, end - 1) + 1;
    const rewrites = bytes.subarray(start, end).toString('utf8').split('\r');
    const line = rewrites.map(part => printable(Buffer.from(part)).trim()).findLast(part => part !== '');
    if (line !== undefined) return cut(line, max);
    end = start - 1;
  }
  return null;
}

function cut(line: string, max: number): string {
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
