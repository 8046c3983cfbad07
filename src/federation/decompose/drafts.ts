import {priorityOf} from './markers.ts';
import type {Order} from './order.ts';
import type {Outline} from './outline.ts';
import type {ReadText} from './read-text.ts';
import {firstLine} from './reading.ts';
import {shortened} from './words.ts';

/** One item that is to become a task, or several. */
export interface Draft {
  readonly text: string;
  readonly line: number;
  /** What it is part of, to be said with it. */
  readonly context: string;
  /** Indexes of the drafts that come first. */
  readonly needs: readonly number[];
  readonly hasParts: boolean;
  /** What what it is in says of its priority. */
  readonly inheritedPriority: number;
}

const MAX_BACKGROUND = 2000;
const MAX_ANCESTORS = 3;
const MAX_TITLE = 100;

/** The items of a text with what each is part of; null for those that are done. */
export function draftsOf(
  {outline, form, background}: ReadText,
  order: Pick<Order, 'needs' | 'hasParts'>,
): readonly (Draft | null)[] {
  const sections = outline.sections.map((_, index) => sectionContext(outline, index));
  const preface = shortened((form === 'steps' ? background : outline.prose.join('\n')).trim(), MAX_BACKGROUND);
  const priorities: number[] = [];
  return outline.items.map((item, index) => {
    const {titles = [], prose = '', priority = 0} = sections[item.section ?? -1] ?? {};
    const above = ancestors(outline, index);
    const inherited = (item.parent === null ? undefined : priorities[item.parent]) ?? priority;
    priorities.push(priorityOf(firstLine(item.text)) || inherited);
    if (item.isDone) return null;
    const partOf = [...titles, ...above].join(' › ');
    const context = [
      ...(partOf === '' ? [] : [`It is part of: ${partOf}`]),
      ...(form === 'steps' ? [`It is one step of this, the others are done by others:\n${preface}`] : []),
      ...(form === 'list' ? [preface, prose] : []).filter(text => text !== '').map(text => `Background:\n${text}`),
    ].join('\n\n');
    return {
      text: item.text,
      line: item.line,
      context,
      needs: order.needs[index] ?? [],
      hasParts: order.hasParts[index] ?? false,
      inheritedPriority: inherited,
    };
  });
}

function sectionContext({sections}: Outline, index: number) {
  const titles: string[] = [];
  let priority = 0;
  for (let at: number | null = index; at !== null; at = sections[at]?.parent ?? null) {
    const title = sections[at]?.title ?? '';
    priority ||= priorityOf(`${title}:`) || priorityOf(title);
    if (titles.length < MAX_ANCESTORS) titles.unshift(shortened(title, MAX_TITLE));
  }
  const prose = shortened((sections[index]?.prose ?? []).join('\n').trim(), MAX_BACKGROUND);
  return {titles, prose, priority};
}

function ancestors({items}: Outline, index: number): readonly string[] {
  const titles: string[] = [];
  for (
    let at = items[index]?.parent ?? null;
    at !== null && titles.length < MAX_ANCESTORS;
    at = items[at]?.parent ?? null
  ) {
    titles.unshift(shortened(firstLine(items[at]?.text ?? ''), MAX_TITLE));
  }
  return titles;
}
