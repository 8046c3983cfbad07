/** The words of a query (lower-case) that stand in a text, in whatever form of the word. */
export function termsIn(text: string, words: readonly string[]): readonly string[] {
  const lower = text.toLowerCase();
  return words.filter(word => lower.includes(word.length > 4 ? word.replace(/(?:ing|ed|es|s)$/, '') : word));
}
