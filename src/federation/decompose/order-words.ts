export type OrderWord = 'first' | 'then' | 'finally';

const WORDS: readonly (readonly [OrderWord, RegExp])[] = [
  ['first', /^(?:first(?:ly)?|first of all|to begin with)\b/i],
  [
    'finally',
    /^(?:(?:and )?finally|lastly|at (?:the )?(?:very )?end|in the end|(?:after|when) (?:all|everything)(?: of)?(?: (?:that|the others?|else))?(?: is (?:done|over))?)\b|^last[,:]/i,
  ],
  ['then', /^(?:(?:and )?then|(?:and )?after (?:that|this|which)|after ?wards?|subsequently)\b|^(?:and )?next[,:]/i],
];

/** The word of order that a text begins with. */
export function orderWord(text: string): OrderWord | null {
  return WORDS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}

/** Without the word of order in front of it. */
export function withoutOrderWord(text: string): string {
  const pattern = WORDS.find(([, each]) => each.test(text))?.[1];
  return pattern === undefined ? text : text.replace(pattern, '').replace(/^[\s,:–-]+/, '');
}

const ANY_ORDER =
  /\b(?:in any order|in parallel|independent(?:ly)?|at the same time|order does(?: not|n['’]t) matter)\b/i;
const IN_ORDER =
  /\b(?:in (?:this|that|the following) order|in order:|in sequence|sequentially|step by step|one (?:after|by) (?:the other|another|one))/i;

/** What the words in front of a list say about its order. */
export function saidOrder(intro: string): 'any' | 'sequence' | null {
  if (ANY_ORDER.test(intro)) return 'any';
  return IN_ORDER.test(intro) ? 'sequence' : null;
}
