import {type Line, linesOf} from './outline-line.ts';

/** One item of a list, with all its text. */
export interface Item {
  readonly line: number;
  readonly text: string;
  /** A box that is ticked. */
  readonly isDone: boolean;
  /** Index of the item that it is nested in. */
  readonly parent: number | null;
  /** Items of one list have the same number. */
  readonly list: number;
  /** Its number in a numbered list, as `2` or `2.1`. */
  readonly number: string | null;
  /** Index of the heading it stands under. */
  readonly section: number | null;
}

export interface Section {
  readonly line: number;
  readonly title: string;
  readonly level: number;
  readonly parent: number | null;
  /** Text below it that is no list. */
  readonly prose: readonly string[];
}

/** What kind of list: whether it is numbered, and the sentence that introduces it. */
export interface List {
  readonly isNumbered: boolean;
  readonly intro: string;
}

/** A text as headings, items and what is neither. Every line of the text is in exactly one of them, or blank. */
export interface Outline {
  readonly sections: readonly Section[];
  readonly items: readonly Item[];
  readonly lists: readonly List[];
  /** Text before the first heading that is no list. */
  readonly prose: readonly string[];
  /** Items without a word. */
  readonly empty: number;
}

/** Reads Markdown, or what people write instead of it. Linear in the text, however it is nested. */
export function outlineOf(text: string): Outline {
  const reader = new OutlineReader();
  for (const line of linesOf(text)) reader.read(line);
  return reader.outline();
}

interface OpenItem extends Omit<Item, 'text'> {
  readonly indent: number;
  readonly words: string[];
}

class OutlineReader {
  readonly #sections: (Omit<Section, 'prose'> & {readonly prose: string[]})[] = [];
  readonly #items: OpenItem[] = [];
  readonly #lists: List[] = [];
  readonly #prose: string[] = [];
  /** Indexes of the items that the next line may belong to, outermost first. */
  #open: number[] = [];
  /** The last item of each level that is open, and of the level below: its list may go on. */
  #lastOf = new Map<number | null, number>();
  #isAfterBlank = false;
  #empty = 0;

  read(line: Line): void {
    if (line.kind === 'blank') this.#blank();
    else {
      if (line.kind === 'heading') this.#heading(line);
      else if (line.kind === 'item') this.#item(line);
      else this.#text(line);
      this.#isAfterBlank = false;
    }
  }

  outline(): Outline {
    return {
      sections: this.#sections,
      items: this.#items.map(({words, line, isDone, parent, list, number, section}) => {
        return {text: dedented(words), line, isDone, parent, list, number, section};
      }),
      lists: this.#lists,
      prose: this.#prose,
      empty: this.#empty,
    };
  }

  #blank(): void {
    this.#isAfterBlank = true;
    const current = this.#open.at(-1);
    if (current !== undefined) this.#items[current]?.words.push('');
  }

  #heading({number, title, level}: Line & {kind: 'heading'}): void {
    let parent = this.#sections.length === 0 ? null : this.#sections.length - 1;
    while (parent !== null && (this.#sections[parent]?.level ?? 0) >= level) {
      parent = this.#sections[parent]?.parent ?? null;
    }
    this.#sections.push({line: number, title, level, parent, prose: []});
    this.#closeLists();
  }

  #item(line: Line & {kind: 'item'}): void {
    if (line.text === '') {
      this.#empty += 1;
      return;
    }
    const number = this.#numberOf(line);
    if (number === undefined)
      return this.#text({kind: 'text', number: line.number, indent: line.indent, text: line.raw});
    const indent = number?.includes('.') === true ? line.indent + number.split('.').length - 1 : line.indent;
    while (this.#open.length > 0 && this.#indentOf(this.#open.at(-1)) >= indent) this.#open.pop();
    const parent = this.#open.at(-1) ?? null;
    const index = this.#items.length;
    const section = this.#sections.length === 0 ? null : this.#sections.length - 1;
    const list = this.#listFor(parent, number !== null);
    this.#items.push({
      line: line.number,
      words: [line.text],
      isDone: line.isDone,
      parent,
      list,
      number,
      section,
      indent,
    });
    this.#lastOf.set(parent, index);
    this.#open.push(index);
  }

  /** Undefined: `1.2` without an item 1 that is open is a number in a text. */
  #numberOf({marker}: Line & {kind: 'item'}): string | null | undefined {
    if (marker === null || !marker.includes('.')) return marker;
    const above = marker.slice(0, marker.lastIndexOf('.'));
    const beside = this.#open.slice(-20).some(index => {
      const number = this.#items[index]?.number;
      return number === above || number?.startsWith(`${above}.`);
    });
    return beside ? marker : undefined;
  }

  #listFor(parent: number | null, isNumbered: boolean): number {
    const before = this.#lastOf.get(parent);
    const list = before === undefined ? undefined : this.#items[before]?.list;
    if (list !== undefined && this.#lists[list]?.isNumbered === isNumbered) return list;
    const above = parent === null ? this.#proseHere().findLast(line => line !== '') : this.#items[parent]?.words[0];
    const title = parent === null ? this.#sections.at(-1)?.title : undefined;
    this.#lists.push({isNumbered, intro: [title, above].filter(Boolean).join('\n')});
    return this.#lists.length - 1;
  }

  /** Indented below an item, or right after it, a line belongs to the item; else it ends all lists. */
  #text({indent, text}: Line & {kind: 'text'}): void {
    if (this.#isAfterBlank) {
      while (this.#open.length > 0 && this.#indentOf(this.#open.at(-1)) >= indent) this.#open.pop();
    }
    const current = this.#open.at(-1);
    if (current !== undefined) {
      this.#items[current]?.words.push(text);
      return;
    }
    this.#closeLists();
    this.#proseHere().push(text);
  }

  #indentOf(index: number | undefined): number {
    return index === undefined ? -1 : (this.#items[index]?.indent ?? -1);
  }

  #proseHere(): string[] {
    return this.#sections.at(-1)?.prose ?? this.#prose;
  }

  #closeLists(): void {
    this.#open = [];
    this.#lastOf = new Map();
  }
}

/** The lines below the first one moved left together. */
function dedented([first = '', ...rest]: readonly string[]): string {
  const indents = rest.filter(line => line !== '').map(line => line.length - line.trimStart().length);
  const least = indents.reduce((least, indent) => Math.min(least, indent), Number.POSITIVE_INFINITY);
  return [first, ...rest.map(line => line.slice(least))].join('\n').trim();
}
