import {parseDuration} from '../../base/duration.ts';
import type {Estimate} from '../../model/task.ts';

/** What each word says of how soon something is to be done; the page docs/decomposition.md shows this table. */
export const PRIORITIES: readonly {readonly words: string; readonly priority: number; readonly pattern: RegExp}[] = [
  marked('urgent, critical, blocker, asap, P0, or `!!`', 20, 'urgent|critical|blocker|asap|p0', '!!+'),
  marked(
    'high, important, P1, high priority, or `!`',
    10,
    'high|important|p1',
    '!',
    'high(?:est)?[ -]priority|priority:? ?high',
  ),
  marked(
    'low, minor, optional, P3, low priority, nice to have, if time permits',
    -10,
    'low|minor|optional|p3',
    null,
    'low(?:est)?[ -]priority|priority:? ?low|nice[ -]to[ -]have|if (?:there is )?time (?:permits|allows|is left)',
  ),
];

/**
 * The priority that a line gives itself. A word such as `urgent` counts where it is a mark (`Urgent: …`, `[urgent]`, `… (P1)`),
 * not where it is what the line is about.
 */
export function priorityOf(line: string): number {
  return PRIORITIES.find(({pattern}) => pattern.test(line))?.priority ?? 0;
}

function marked(words: string, priority: number, marks: string, signs: string | null, phrases?: string) {
  const places = [
    `^(?:${marks})\\s*[:!–—-]`,
    `[[(](?:${marks})[\\])]`,
    `[,;–—-]\\s*(?:${marks})[.!]?$`,
    ...(signs === null ? [] : [`^${signs}\\s`, `(?<!!)${signs}$`, `^\\(${signs}\\)`]),
    ...(phrases === undefined ? [] : [`\\b(?:${phrases})\\b`]),
  ];
  return {words, priority, pattern: new RegExp(places.join('|'), 'i')};
}

const BRACKETS = /[([]([^()[\]]{1,80})[)\]]/g;
const SAID = /\b(?:estimate[sd]?|est\.?|takes|about)\s*:?\s*(?:about\s+|~\s*)?([^,;]{1,40})$/i;
const TIME = /^~?\s*(\d{1,4}(?:\.\d{1,2})?)\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?)$/i;
const USD = /^~?\s*(?:\$\s*(\d{1,6}(?:\.\d{1,4})?)|(\d{1,6}(?:\.\d{1,4})?)\s*(?:usd|dollars?))$/i;
const TOKENS = /^~?\s*(\d{1,6}(?:\.\d{1,3})?)\s*(k|m|thousand|million)?\s*tokens?$/i;

/** What a line says that it takes, in brackets or behind `estimate:`: a time, USD, tokens. Null: it says nothing. */
export function estimateOf(line: string): Estimate | null {
  const bracketed = [...line.matchAll(BRACKETS)].map(([, inner = '']) => inner);
  const said = SAID.exec(line)?.[1];
  const parts = [...bracketed, ...(said === undefined ? [] : [said])].flatMap(text =>
    text.split(/[,;/]/).map(part =>
      part
        .replace(/^\s*(?:estimate[sd]?|est\.?|takes|about)\s*:?\s*/i, '')
        .trim()
        .replace(/\.$/, ''),
    ),
  );
  const estimate = Object.assign({}, ...parts.map(partOf)) as Estimate;
  return Object.keys(estimate).length === 0 ? null : estimate;
}

function partOf(text: string): Estimate {
  const [, amount, unit = ''] = TIME.exec(text) ?? [];
  const durationMs = amount === undefined ? null : parseDuration(`${amount}${unit.charAt(0).toLowerCase()}`);
  if (durationMs !== null && durationMs > 0) return {durationMs};
  const [, dollars, usd = dollars] = USD.exec(text) ?? [];
  if (usd !== undefined && Number(usd) > 0) return {usd: Number(usd)};
  const [, count, scale = ''] = TOKENS.exec(text) ?? [];
  if (count === undefined) return {};
  const factor = /^k|^t/i.test(scale) ? 1000 : /^m/i.test(scale) ? 1_000_000 : 1;
  const tokens = Math.round(Number(count) * factor);
  return tokens > 0 ? {tokens} : {};
}
