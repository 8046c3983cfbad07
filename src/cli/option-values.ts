import {parseDuration} from '../base/duration.ts';
import {GodelError} from '../model/failure.ts';
import {TEAM_NAME, TEAM_NAME_RULE} from '../model/team.ts';

/** More than anybody means; sums of such numbers are still exact. */
const MAX_AMOUNT = 1e15;

/** A parser for an option that takes a whole number. */
export function wholeNumber(what: string, {min, max, why}: {min: number; max?: number; why?: string}) {
  const range = max === undefined ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
  return (text: string): number => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= (max ?? Number.MAX_SAFE_INTEGER)) return value;
    throw new GodelError({reason: 'out-of-range', what, value: text, range, ...(why === undefined ? {} : {why})});
  };
}

/** A parser for an option that takes a duration, in milliseconds; more than nothing. */
export function duration(what: string) {
  return (text: string): number => {
    const value = parseDuration(text);
    if (value !== null && value > 0) return value;
    const range = `${value === 0 ? 'more than 0' : 'a duration with its unit'}, for example 30s, 10m or 1h30m`;
    throw new GodelError({reason: 'out-of-range', what, value: text, range});
  };
}

/** A parser for an option that takes the name of a team that is to be made. */
export function teamName(what: string) {
  return (text: string): string => {
    if (TEAM_NAME.test(text)) return text;
    throw new GodelError({reason: 'out-of-range', what, value: text, range: TEAM_NAME_RULE});
  };
}

/** A parser for an option that takes a number greater than 0: `50`, `$0.5`, `2e6`; less than 1e15. */
export function amount(what: string) {
  return (text: string): number => {
    const value = /^\$?\d{1,15}(\.\d{1,9})?(e\d{1,2})?$/i.test(text.trim())
      ? Number(text.trim().replace('$', ''))
      : Number.NaN;
    if (value > 0 && value < MAX_AMOUNT) return value;
    throw new GodelError({
      reason: 'out-of-range',
      what,
      value: text,
      range: 'a number greater than 0, such as 2 or 0.5',
    });
  };
}

/** A parser for an option that takes a number from 0 to 1. */
export function share(what: string) {
  return (text: string): number => {
    const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= 0 && value <= 1) return value;
    throw new GodelError({reason: 'out-of-range', what, value: text, range: 'a number from 0 to 1, such as 0.8'});
  };
}

/** Words with commas between them. */
export function list(text: string): readonly string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** An option that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
