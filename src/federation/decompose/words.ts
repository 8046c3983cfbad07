const STOP = new Set(
  'a an the of to in on at for and or it its is are be been this that these those with by from into done finished ready complete completed merged over has have step task item number part'.split(
    ' ',
  ),
);

/** The words of a text that tell it apart, without their endings: `adding the parsers` and `add a parser` have the same. */
export function stemsOf(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  return words.filter(word => !STOP.has(word)).map(stem);
}

function stem(word: string): string {
  if (word.length < 4 || /[^a-z]/.test(word)) return word;
  const bare = word.replace(/(?:ing|ied|ies|ed|es|s)$/, '');
  if (bare.length < 2) return word;
  const single = bare.replace(/([bdfgklmnprtv])\1$/, '$1');
  return single.length > 3 ? single.replace(/[ey]$/, '') : single.replace(/e$/, '');
}

/** Cut at a word where it is too long. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  // Not through the middle of a sign.
  const cut = text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  const atWord = /^(.*\S)\s+\S*$/s.exec(cut)?.[1];
  return `${atWord !== undefined && atWord.length > max / 2 ? atWord : cut}…`;
}
