import type {Item, Outline} from './outline.ts';
import {orderWord, saidOrder} from './order-words.ts';

/** Every dependency is kept in memory, so there is an end to them. */
export const MAX_EDGES = 500_000;

/** What comes before what, by indexes of items. An item that is done needs nothing and nothing needs it. */
export interface Order {
  readonly needs: readonly (readonly number[])[];
  /** The items that stand for each item: itself, or what is left open in one that is done. */
  readonly ends: readonly (readonly number[])[];
  /** Items that come after parts of their own. */
  readonly hasParts: readonly boolean[];
  /** How many items were put in order by what. */
  readonly counts: {readonly sequence: number; readonly word: number; readonly heading: number};
}

/**
 * The order that a text gives its items by its form. Items of a numbered list go one after the other, others in any order,
 * unless the words in front of the list say otherwise; `first`, `then` and `finally` at the beginning of an item count. An
 * item comes after those nested in it. Headings with numbers go one after the other. Null: it has too many dependencies.
 */
export function orderOf(outline: Outline): Order | null {
  return new Ordering(outline).order();
}

/** A heading or an item; node 0 is the whole text. Numbered as they stand in the text, so parents come first. */
interface TreeNode {
  readonly parent: number;
  /** Index of the item; null for a heading. */
  readonly item: number | null;
  readonly children: number[];
  /** Nodes beside it that it comes after. */
  after: readonly number[];
  isNeeded: boolean;
  /** Items that it comes after. */
  starts: readonly number[];
  /** Items that stand for it. */
  ends: readonly number[];
}

class Ordering {
  readonly #outline: Outline;
  readonly #nodes: TreeNode[] = [node(0, null)];
  readonly #needs: (readonly number[])[];
  readonly #ends: (readonly number[])[];
  readonly #hasParts: boolean[];
  readonly #counts = {sequence: 0, word: 0, heading: 0};
  #edges = 0;

  constructor(outline: Outline) {
    this.#outline = outline;
    this.#needs = outline.items.map(() => []);
    this.#ends = outline.items.map(() => []);
    this.#hasParts = outline.items.map(() => false);
  }

  order(): Order | null {
    this.#plant();
    for (const each of this.#nodes) this.#placeChildren(each);
    const path = [0];
    for (const [index, each] of this.#nodes.entries()) {
      if (index === 0) continue;
      while (path.at(-1) !== each.parent) this.#leave(path.pop());
      this.#enter(each);
      path.push(index);
      if (this.#edges > MAX_EDGES) return null;
    }
    while (path.length > 0) this.#leave(path.pop());
    if (this.#edges > MAX_EDGES) return null;
    return {needs: this.#needs, ends: this.#ends, hasParts: this.#hasParts, counts: this.#counts};
  }

  #plant(): void {
    const {sections, items} = this.#outline;
    const ofSection: number[] = [];
    const ofItem: number[] = [];
    let section = 0;
    const plantSections = (before: number) => {
      for (; section < sections.length && (sections[section]?.line ?? 0) < before; section += 1) {
        ofSection.push(this.#add(ofSection[sections[section]?.parent ?? -1] ?? 0, null));
      }
    };
    for (const [index, item] of items.entries()) {
      plantSections(item.line);
      const above = item.parent === null ? ofSection[item.section ?? -1] : ofItem[item.parent];
      ofItem.push(this.#add(above ?? 0, index));
    }
    plantSections(Number.POSITIVE_INFINITY);
    this.#sectionOf = new Map(ofSection.map((at, index) => [at, index]));
  }

  #sectionOf: ReadonlyMap<number, number> = new Map();

  #add(parent: number, item: number | null): number {
    this.#nodes.push(node(parent, item));
    const index = this.#nodes.length - 1;
    this.#nodes[parent]?.children.push(index);
    return index;
  }

  /** Says of the nodes beside each other which come after which. */
  #placeChildren({children}: TreeNode): void {
    const isInOrder = this.#haveNumbers(children);
    /** Since the last one that all others come after, and that one. */
    let since: number[] = [];
    let gate: number | null = null;
    let before: number | null = null;
    for (const index of children) {
      const child = this.#nodes[index];
      if (!child) continue;
      const item = this.#itemOf(child);
      const word = item ? orderWord(item.text) : null;
      if (!item) child.after = isInOrder && before !== null ? [before] : [];
      else if (before !== null && this.#isInSequence(item, before)) child.after = [before];
      else if (word === 'then' && before !== null) child.after = [before];
      else if (word === 'finally') child.after = since;
      else if (gate !== null) child.after = [gate];
      this.#count(child, item, word);
      for (const each of child.after) this.#markNeeded(each);
      before = index;
      if (word === 'first' || word === 'finally') {
        gate = index;
        since = [];
      }
      since.push(index);
    }
  }

  #count({after}: TreeNode, item: Item | null, word: ReturnType<typeof orderWord>): void {
    if (after.length === 0 || item?.isDone === true) return;
    if (!item) this.#counts.heading += 1;
    else if (word === 'then' || word === 'finally') this.#counts.word += 1;
    else this.#counts.sequence += 1;
  }

  #markNeeded(index: number): void {
    const each = this.#nodes[index];
    if (each) each.isNeeded = true;
  }

  /** Whether an item follows the node before it because of the list that both are in. */
  #isInSequence(item: Item, before: number): boolean {
    const other = this.#itemOf(this.#nodes[before]);
    if (other?.list !== item.list) return false;
    const list = this.#outline.lists[item.list];
    const said = saidOrder(list?.intro ?? '');
    return said === null ? list?.isNumbered === true : said === 'sequence';
  }

  /** Headings side by side that count: `1. Set up`, `Phase 2`. */
  #haveNumbers(children: readonly number[]): boolean {
    const numbers = children
      .filter(index => this.#nodes[index]?.item === null)
      .map(index => headingNumber(this.#outline.sections[this.#sectionOf.get(index) ?? -1]?.title ?? ''));
    return numbers.length > 1 && numbers.every((each, index) => each !== null && each > (numbers[index - 1] ?? -1));
  }

  #enter(each: TreeNode): void {
    const above = this.#nodes[each.parent]?.starts ?? [];
    each.starts = each.after.length === 0 ? above : this.#union(each.after, above);
  }

  /** What is in it is settled. */
  #leave(index: number | undefined): void {
    const each = this.#nodes[index ?? 0];
    if (!each) return;
    const last = each.children.filter(child => this.#nodes[child]?.isNeeded !== true);
    const inside = this.#union(last, each.starts);
    const item = this.#itemOf(each);
    if (each.item === null || item?.isDone !== false) {
      each.ends = inside;
      if (each.item !== null) this.#ends[each.item] = inside === each.starts ? [] : inside;
      return;
    }
    each.ends = [each.item];
    this.#ends[each.item] = each.ends;
    this.#needs[each.item] = inside;
    this.#hasParts[each.item] = inside !== each.starts;
    this.#edges += inside.length;
  }

  /** The ends of these nodes; `otherwise` where nothing is left of any of them. */
  #union(indexes: readonly number[], otherwise: readonly number[]): readonly number[] {
    const lists = indexes.map(index => this.#nodes[index]?.ends ?? []).filter(ends => ends !== otherwise);
    const [only = otherwise] = lists;
    if (lists.length < 2) return only;
    const all = [...new Set(lists.flat())];
    this.#edges += all.length;
    return all;
  }

  #itemOf(each: TreeNode | undefined): Item | null {
    return this.#outline.items[each?.item ?? -1] ?? null;
  }
}

function node(parent: number, item: number | null): TreeNode {
  return {parent, item, children: [], after: [], isNeeded: false, starts: [], ends: []};
}

function headingNumber(title: string): number | null {
  const number = /^(?:(?:step|phase|part|stage|milestone)\s+)?(\d{1,6})(?![\d.]*\d)(?:[.):—–-]|\s|$)/i.exec(title)?.[1];
  return number === undefined ? null : Number(number);
}
