import type {Item} from './outline.ts';
import {stemsOf} from './words.ts';

/** That an item comes before or after others which it names: `after 2`, `before the deploy`. */
export interface Mention {
  readonly item: number;
  readonly how: 'after' | 'before';
  readonly others: readonly number[];
}

export interface Mentions {
  readonly found: readonly Mention[];
  /** What is named by a number that no item has, as `after 7`, with the line. */
  readonly unknown: readonly {readonly line: number; readonly words: string}[];
}

const DONE = String.raw`(?:\s+(?:is|are|has been|have been)\s+(?:done|finished|ready|complete|completed|merged|over|in))`;
/** `needs X` is said of many things; behind a comma or in brackets it is about order. */
const AFTER = String.raw`[\s,;(\[–—-](?:only\s+|directly\s+|right\s+)?after|[,;(\[–—-]\s*(?:depends\s+on|needs|requires|blocked\s+by)`;
/** In front, up to a comma; at the end, behind a comma, a dash or an opening bracket or not; each with what it names. */
const PLACES: readonly (readonly [Mention['how'], RegExp])[] = [
  ['after', new RegExp(String.raw`^(?:after|once|when)\s+([^,:;]{1,200}?)${DONE}?\s*[,:]\s`, 'i')],
  ['before', /^before\s+([^,:;]{1,200}?)\s*[,:]\s/i],
  ['after', new RegExp(String.raw`(?:${AFTER}):?\s+([^()\[\];:]{1,200}?)${DONE}?[)\]]?[.!]?$`, 'i')],
  ['before', /(?:[\s,;([–—-])before:?\s+([^()[\];:]{1,200}?)[)\]]?[.!]?$/i],
];
const NUMBERS =
  /^(?:(?:steps?|tasks?|items?|numbers?|no\.?|points?)\s+)?#?\d[\d.]*(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)#?\d[\d.]*)*$/i;
/** A text that fits more items than this names none of them. */
const MAX_CANDIDATES = 2000;

/** The other items that items name as coming before or after them. What names no item, or several, is left to be text. */
export function mentionsIn(items: readonly Item[]): Mentions {
  const index = new ItemIndex(items);
  const found: Mention[] = [];
  const unknown: {line: number; words: string}[] = [];
  for (const [at, item] of items.entries()) {
    if (item.isDone) continue;
    const [first = ''] = item.text.split('\n', 1);
    for (const [how, pattern] of PLACES) {
      const words = pattern.exec(first)?.[1];
      if (words === undefined) continue;
      const others = NUMBERS.test(words) ? index.numbered(at, words) : index.named(at, words);
      if (others.length > 0) found.push({item: at, how, others});
      else if (NUMBERS.test(words)) unknown.push({line: item.line, words: `${how} ${words}`});
    }
  }
  return {found, unknown};
}

class ItemIndex {
  readonly #items: readonly Item[];
  readonly #byStem = new Map<string, number[]>();
  readonly #byNumber = new Map<string, number>();

  constructor(items: readonly Item[]) {
    this.#items = items;
    for (const [at, item] of items.entries()) {
      const [first = ''] = item.text.split('\n', 1);
      for (const stem of new Set(stemsOf(first.slice(0, 300)))) {
        const having = this.#byStem.get(stem);
        if (having) having.push(at);
        else this.#byStem.set(stem, [at]);
      }
      if (item.number === null) continue;
      this.#byNumber.set(`${item.list}:${item.number}`, at);
      if (!this.#byNumber.has(item.number)) this.#byNumber.set(item.number, at);
    }
  }

  /** By number: first in the list that the item is in, then in the whole text. All numbers must be there. */
  numbered(at: number, words: string): readonly number[] {
    const numbers = (words.match(/\d[\d.]*/g) ?? []).map(number => number.replace(/\.$/, ''));
    const list = this.#items[at]?.list;
    const others = numbers.map(number => this.#byNumber.get(`${list}:${number}`) ?? this.#byNumber.get(number));
    return others.every(other => other !== undefined && other !== at) ? others.flatMap(other => other ?? []) : [];
  }

  /** The one other item that has all these words; of several the one that has no others. */
  named(at: number, words: string): readonly number[] {
    const stems = [...new Set(stemsOf(words))];
    const lists = stems.map(stem => this.#byStem.get(stem) ?? []);
    const [fewest] = [...lists].sort((a, b) => a.length - b.length);
    if (!fewest || fewest.length > MAX_CANDIDATES) return [];
    const fitting = fewest.filter(
      other => other !== at && lists.every(list => list === fewest || includes(list, other)),
    );
    if (fitting.length < 2) return fitting;
    const exact = fitting.filter(other => {
      const [first = ''] = (this.#items[other]?.text ?? '').split('\n', 1);
      return new Set(stemsOf(first)).size === stems.length;
    });
    return exact.length === 1 ? exact : [];
  }
}

/** In a list that is in order. */
function includes(list: readonly number[], wanted: number): boolean {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return list[low] === wanted;
}
