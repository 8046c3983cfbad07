import type {Candidate} from './wanted.ts';

/** A command line of bash up to the cursor. */
export interface BashLine {
  /** Without their quotes; the last one is to be completed, and empty after a space. */
  readonly words: readonly string[];
  /** How the last one stands there. */
  readonly typed: string;
  /** The quote it is in; empty: none. */
  readonly quote: '' | "'" | '"';
  /** What of `typed` bash keeps before what it is answered: it takes a word to begin anew at `:` and `=`. */
  readonly kept: string;
}

/** Takes a line apart as bash does, but expands nothing. `cut` is the part of the last word that bash would replace. */
export function readBashLine(line: string, cut: string): BashLine {
  const words: string[] = [];
  let word = '';
  let quote: BashLine['quote'] = '';
  let start = line.length;
  let isOpen = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quote === '' && /\s/.test(character)) {
      if (isOpen) words.push(word);
      [word, isOpen, start] = ['', false, line.length];
      continue;
    }
    if (!isOpen) [isOpen, start] = [true, at];
    if (quote === "'" ? character === "'" : character === '"' && quote === '"') quote = '';
    else if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character === '\\' && quote !== "'" && at + 1 < line.length) word += line.charAt((at += 1));
    else word += character;
  }
  const typed = line.slice(start);
  const kept = typed.endsWith(cut) ? typed.slice(0, typed.length - cut.length) : '';
  return {words: [...words, word], typed, quote, kept};
}

/** The candidates that go on with what was typed, as bash puts them in: quoted, and without what it keeps. */
export function bashReplies({words, quote, kept}: BashLine, candidates: readonly Candidate[]): readonly string[] {
  const begun = words.at(-1) ?? '';
  const before = kept.replace(/^['"]/, '');
  return candidates
    .filter(({value}) => value.startsWith(begun))
    .map(({value}) => quoted(value, quote))
    .filter(value => value.startsWith(before))
    .map(value => value.slice(before.length));
}

function quoted(value: string, quote: BashLine['quote']): string {
  if (quote === "'") return value.replaceAll("'", String.raw`'\''`);
  if (quote === '"') return value.replaceAll(/["$`\\]/g, String.raw`\$&`);
  return value.replaceAll(/[^\p{L}\p{N}_@%+=:,./-]/gu, String.raw`\$&`);
}
