import {plural} from '../../base/amount.ts';
import type {Applied} from './apply-mentions.ts';
import type {Mentions} from './mentions.ts';
import type {Item} from './outline.ts';
import type {Order} from './order.ts';
import type {ReadText} from './read-text.ts';
import type {Decomposition} from './subtask.ts';
import {shortened} from './words.ts';

const MAX_NAMED = 5;

/** Says how a text was read, a line for each rule that was applied. */
export class Reading {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
  }

  refused(because: string): Decomposition {
    return {kind: 'refused', because, subtasks: [], reading: this.lines};
  }

  needsModel(): Decomposition {
    const because =
      'the text is one piece: it has no list, no order of steps such as “first … then …”, and no “for each … in GLOB”';
    return {kind: 'needs-model', because, subtasks: [], reading: this.lines};
  }

  cleaned(removed: number): void {
    if (removed > 0) this.add(`${plural(removed, 'invisible character')} taken out of the text.`);
  }

  form({form, outline, background}: ReadText): void {
    const {items, sections, lists, empty} = outline;
    const open = items.filter(item => !item.isDone).length;
    if (form === 'steps') this.add(`Sentences with words of order: ${plural(open, 'step')}, one after the other.`);
    else this.#lists(items, lists);
    this.#done(items);
    if (empty > 0) this.add(`${plural(empty, 'empty item')} left out.`);
    if (sections.length > 0)
      this.add(`${plural(sections.length, 'heading')}: said with the tasks below, not tasks themselves.`);
    if (form === 'list' && background !== '')
      this.add('Text outside of the items: background of the tasks, not a task.');
  }

  #lists(items: readonly Item[], lists: ReadText['outline']['lists']): void {
    const open = items.filter(item => !item.isDone);
    const numbered = open.filter(item => lists[item.list]?.isNumbered === true).length;
    const nested = open.filter(item => item.parent !== null).length;
    const kinds = [
      ...(numbered > 0 ? [plural(numbered, 'numbered item')] : []),
      ...(open.length > numbered ? [plural(open.length - numbered, 'item')] : []),
    ];
    const inside = nested > 0 ? ` (${nested} within other items)` : '';
    this.add(`${kinds.join(' and ')}${inside}: one task each.`);
  }

  #done(items: readonly Item[]): void {
    const done = items.filter(item => item.isDone);
    if (done.length === 0) return;
    const named = done.slice(0, MAX_NAMED).map(({text, line}) => `“${shortened(firstLine(text), 40)}” (line ${line})`);
    const more = done.length > MAX_NAMED ? ` and ${done.length - MAX_NAMED} more` : '';
    this.add(`${plural(done.length, 'item')} ticked off and left out: ${named.join(', ')}${more}.`);
  }

  order({form, outline}: ReadText, {counts, hasParts}: Order): void {
    if (form === 'steps') return;
    const parents = hasParts.filter(Boolean).length;
    if (counts.sequence > 0) this.add(`${are(counts.sequence, 'item')} in a sequence: each after the one before it.`);
    else if (outline.items.length > 1 && counts.word === 0) this.add('Items of a list without numbers: in any order.');
    if (counts.word > 0) this.add(`${are(counts.word, 'item')} placed by “then” or “finally” in front.`);
    if (counts.heading > 0)
      this.add(`${are(counts.heading, 'numbered heading')} in a sequence: each after the one before it.`);
    if (parents > 0) this.add(`${are(parents, 'item')} placed after the items nested in them.`);
  }

  mentions({items, applied, mentions}: {items: readonly Item[]; applied: Applied; mentions: Mentions}): void {
    if (applied.applied > 0)
      this.add(`${are(applied.applied, 'item')} placed by “after …” or “before …” of another item.`);
    for (const {item} of applied.refused.slice(0, MAX_NAMED)) {
      const {line = 0} = items[item] ?? {};
      this.add(`Line ${line}: its “after …” or “before …” contradicts the order of the text and was not followed.`);
    }
    for (const {line, words} of mentions.unknown.slice(0, MAX_NAMED)) {
      this.add(`Line ${line}: “${shortened(words, 40)}” names no other item and was not followed.`);
    }
  }
}

function are(number: number, what: string): string {
  return `${plural(number, what)} ${number === 1 ? 'is' : 'are'}`;
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
