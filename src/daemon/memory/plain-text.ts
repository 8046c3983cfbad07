import {stripVTControlCharacters} from 'node:util';

/** Line breaks of all kinds. */
const BREAK = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Control characters but for the line break, those that turn the direction of writing around, and halves of characters. */
// biome-ignore format: one class
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/** Text of anybody as lines that a terminal, a prompt and JSON can be trusted with. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(BREAK, '\n')
    .replaceAll('\t', ' ')
    .replaceAll(UNPRINTABLE, '')
    .trim();
}

/** The beginning, at most `max` characters. */
export function headOf(text: string, max: number): string {
  const plain = plainText(text);
  return plain.length <= max ? plain : `${plain.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The end, at most `max` characters. */
export function tailOf(text: string, max: number): string {
  const plain = plainText(text);
  return plain.length <= max ? plain : `…${plain.slice(1 - max).replace(/^[\uDC00-\uDFFF]/, '')}`;
}
