/** Distinct words of a query that are looked at; of longer ones the longest words, which tend to be the rarer ones. */
const MAX_WORDS = 40;
/** Longer ones are no words, and are left out. */
const MAX_WORD = 100;

/** What the tokenizer `unicode61` takes for words: letters, digits and private characters, with their marks. */
const WORD = /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\p{M}]*/gu;

/** The words of any text, lower-case, each once. */
export function wordsOf(text: string): readonly string[] {
  const words = new Set<string>();
  for (const [word] of text.matchAll(WORD)) if (word.length <= MAX_WORD) words.add(word.toLowerCase());
  if (words.size <= MAX_WORDS) return [...words];
  return [...words].toSorted((a, b) => b.length - a.length).slice(0, MAX_WORDS);
}

/** An expression of FTS5 that any of the words matches. They are quoted: none is an operator or the name of a column. */
export function anyOf(words: readonly string[]): string {
  return words.map(word => `"${word.replaceAll('"', '""')}"`).join(' OR ');
}

/**
 * An expression of FTS5 that whatever has all of these tags matches; null: none of them says anything to it. Only of letters and digits
 * that nobody doubts is it certain that they are words there.
 */
export function taggedWith(tags: readonly string[]): string | null {
  const sayings = tags.filter(tag => /[a-z0-9]/i.test(tag)).map(tag => `tags : ${anyOf([tag])}`);
  return sayings.length === 0 ? null : sayings.join(' AND ');
}
