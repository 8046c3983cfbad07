/** What one line of a text is by itself. */
export type Line = {readonly number: number} & (
  | {readonly kind: 'blank'}
  | {readonly kind: 'heading'; readonly level: number; readonly title: string}
  | {
      readonly kind: 'item';
      readonly indent: number;
      /** Its number, as `2` or `2.1`; null for a bullet. */
      readonly marker: string | null;
      readonly isDone: boolean;
      readonly text: string;
      readonly raw: string;
    }
  | {readonly kind: 'text'; readonly indent: number; readonly text: string}
);

const HEADING = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/;
const ITEM =
  /^(?:[-*+•–◦▪]|(?<number>\d{1,9})[.)]|\((?<inner>\d{1,9})\)|(?<dotted>\d{1,9}(?:\.\d{1,9}){1,8})[.)]?|(?<letter>[a-z])\))(?:[ \t]+(?<text>.*))?$/;
const BOX = /^\[(?<tick>[ xX])\](?:[ \t]+(?<text>.*))?$/;
const BREAK = /^[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const FENCE = /^[ \t]*(`{3,}|~{3,})/;
const TAB = 4;

/** The lines of a text. Inside a fence (three backticks) everything is text. */
export function linesOf(text: string): readonly Line[] {
  let fence: string | null = null;
  return text.split('\n').map((raw, index): Line => {
    const number = index + 1;
    const mark = FENCE.exec(raw)?.[1];
    if (mark !== undefined && (fence === null || (mark.startsWith(fence) && raw.trim() === mark))) {
      fence = fence === null ? mark : null;
      return textLine(number, raw);
    }
    return fence === null ? lineOf(number, raw) : textLine(number, raw);
  });
}

function lineOf(number: number, raw: string): Line {
  if (raw.trim() === '' || BREAK.test(raw)) return {kind: 'blank', number};
  const [, marks, title] = HEADING.exec(raw) ?? [];
  if (marks !== undefined && title !== undefined) {
    return {kind: 'heading', number, level: marks.length, title: title.trimEnd().replace(/[ \t]#+$/, '')};
  }
  const indent = indentOf(raw);
  const trimmed = raw.trim();
  const item = ITEM.exec(trimmed)?.groups;
  const box = BOX.exec(item ? (item['text'] ?? '') : trimmed)?.groups;
  if (!item && !box) return textLine(number, raw);
  return {
    kind: 'item',
    number,
    indent,
    marker: item?.['number'] ?? item?.['inner'] ?? item?.['dotted'] ?? item?.['letter'] ?? null,
    isDone: (box?.['tick'] ?? ' ') !== ' ',
    text: (box ? (box['text'] ?? '') : (item?.['text'] ?? '')).trim(),
    raw: trimmed,
  };
}

function textLine(number: number, raw: string): Line {
  return {kind: 'text', number, indent: indentOf(raw), text: raw.trimEnd()};
}

/** Columns before the first sign; a tab goes to the next multiple of four. */
function indentOf(raw: string): number {
  let columns = 0;
  for (const sign of raw) {
    if (sign === '\t') columns += TAB - (columns % TAB);
    else if (sign === ' ') columns += 1;
    else break;
  }
  return columns;
}
