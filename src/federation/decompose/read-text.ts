import type {Outline} from './outline.ts';
import {outlineOf} from './outline.ts';
import {stepsOf} from './steps.ts';

/** A text as items, however it tells them. */
export interface ReadText {
  readonly outline: Outline;
  readonly form: 'list' | 'steps' | 'none';
  /** What the whole is about: text that is no item; for steps, which say little by themselves, all of it. */
  readonly background: string;
}

// Control characters but tab and line feed, and marks that change the direction of what follows.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Line ends made `\n`, and what nobody can see taken out. */
export function cleanText(text: string): {readonly text: string; readonly removed: number} {
  const lines = text
    .replaceAll(/\r\n?|\u2028|\u2029/g, '\n')
    .replace(/^\ufeff/, '')
    .replaceAll(LONE_SURROGATE, '\ufffd');
  const clean = lines.replaceAll(INVISIBLE, '');
  return {text: clean, removed: lines.length - clean.length};
}

/** Reads lists first; where there are none, sentences that say an order. */
export function readText(text: string): ReadText {
  const outline = outlineOf(inlineList(text) ?? text);
  if (outline.items.length > 0) return {outline, form: 'list', background: proseOf(outline)};
  const told = stepsOf(text.replaceAll(/^ {0,3}#{1,6}[ \t].*$/gm, line => ' '.repeat(line.length)));
  if (told === null) return {outline, form: 'none', background: proseOf(outline)};
  const items = told.steps.map(({text: words, line}) => {
    return {text: words, line, isDone: false, parent: null, list: 0, number: null, section: null};
  });
  const steps = {...outline, items, lists: [{isNumbered: true, intro: ''}]};
  return {outline: steps, form: 'steps', background: text.trim()};
}

/** `1. this 2. that` in one line, as it is typed on a command line: one line each. */
function inlineList(text: string): string | null {
  const line = text.trim();
  if (line.includes('\n')) return null;
  const marks = [...line.matchAll(/(?:^|\s)(?:\((\d{1,3})\)|(\d{1,3})[.)])\s/g)];
  const isCounting = marks.every(([, inner, bare], index) => Number(inner ?? bare) === index + 1);
  if (marks.length < 2 || !isCounting) return null;
  const places = marks.map(({index, 0: mark}) => (mark.startsWith('(') || /^\d/.test(mark) ? index : index + 1));
  const parts = places.map((place, index) => line.slice(place, places[index + 1]).trim());
  return [line.slice(0, places[0]).trim(), ...parts].join('\n').trim();
}

function proseOf({prose, sections}: Outline): string {
  const parts = [prose, ...sections.map(section => section.prose)].map(lines => lines.join('\n').trim());
  return parts.filter(part => part !== '').join('\n\n');
}
