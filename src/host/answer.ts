import type {JsonValue} from '../base/json.ts';
import {type Result, fail, ok} from '../base/result.ts';
import type {Verdict} from '../model/attempt.ts';

const SHOWN_CHARACTERS = 80;
const MAX_COMMENTS = 8000;
/** Models put a fence around JSON though they are asked not to. */
const FENCE = /^[ \t]*```[^\n`]*\n([\s\S]*?)\n?[ \t]*```[ \t]*$/gm;

/** The one JSON value that an agent has answered with: its whole text, or what stands in the only fenced block of it. */
export function jsonAnswer(text: string): Result<{readonly text: string; readonly value: JsonValue}, string> {
  if (text.trim() === '') return fail('its answer is empty and not JSON');
  const whole = parsed(text);
  if (whole.ok) return whole;
  const [block, ...others] = [...text.matchAll(FENCE)].map(match => match[1] ?? '');
  const inBlock = block === undefined || others.length > 0 ? whole : parsed(block);
  if (inBlock.ok) return inBlock;
  return fail(`its answer is not JSON: ${inBlock.failure}; it begins with ${JSON.stringify(beginning(text))}`);
}

/** A reviewer's last words: `{"approve": true, "comments": "…"}`. */
export function verdictIn(text: string): Result<Verdict, string> {
  const answer = jsonAnswer(text);
  if (!answer.ok) return answer;
  const {value} = answer.value;
  const approve = own(value, 'approve');
  const comments = own(value, 'comments');
  if (typeof approve !== 'boolean') return fail('its verdict has no `approve` that is true or false');
  if (typeof comments === 'string') return ok({approved: approve, comments: comments.slice(0, MAX_COMMENTS)});
  // Nothing to be done needs no words; something does.
  if (approve && (comments === undefined || comments === null)) return ok({approved: true, comments: ''});
  return fail('its verdict has no `comments` that say what is to be done');
}

function parsed(text: string): Result<{readonly text: string; readonly value: JsonValue}, string> {
  try {
    return ok({text: text.trim(), value: JSON.parse(text) as JsonValue});
  } catch (error) {
    return fail(error instanceof Error ? error.message.slice(0, 500) : String(error));
  }
}

function own(value: JsonValue, key: string): JsonValue | undefined {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

function beginning(text: string): string {
  return text.trim().slice(0, SHOWN_CHARACTERS);
}
