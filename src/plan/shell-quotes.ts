import {type Result, fail, ok} from '../base/result.ts';
import type {ExpressionPlace, ExpressionProblem} from './expressions.ts';
import {type ShellPlace, ShellScanner} from './shell-scanner.ts';

/**
 * Replaces each expression of a shell script by a quoted reference to its environment variable, right for the quotes it
 * stands in. Only fixed text is inserted, so a value can never become code. Where no reference would be right, the
 * answer is a problem that says what to write instead.
 */
export function referToVariables(
  script: string,
  {places, variableOf}: {places: readonly ExpressionPlace[]; variableOf: (place: ExpressionPlace) => string},
): Result<string, ExpressionProblem> {
  const scanner = new ShellScanner(script, new Set(places.map(place => place.start)));
  let result = '';
  let done = 0;
  for (const place of places) {
    const excerpt = script.slice(place.start, place.end);
    const shellPlace = scanner.advanceTo(place.start);
    const reference = referenceIn(shellPlace, `\${${variableOf(place)}}`);
    if (reference === null) return fail(refusal(shellPlace, excerpt));
    result += script.slice(done, place.start) + reference;
    done = place.end;
    scanner.skipTo(place.end);
  }
  return ok(result + script.slice(done));
}

function referenceIn(place: ShellPlace, variable: string): string | null {
  switch (place.kind) {
    case 'commands':
      return `"${variable}"`;
    case 'double':
    case 'comment':
      return variable;
    case 'single':
      return `'"${variable}"'`;
    case 'here':
      return place.document.quoted ? null : variable;
    case 'ansi':
    case 'backtick':
    case 'braces':
    case 'arithmetic':
    case 'subscript':
    case 'attached':
    case 'unclear':
      return null;
  }
}

function refusal(place: ShellPlace, excerpt: string): ExpressionProblem {
  const {where, hint} = obstacle(place, excerpt);
  return {excerpt, message: `\`${excerpt}\` cannot stand ${where}`, hint};
}

function obstacle(place: ShellPlace, excerpt: string): {readonly where: string; readonly hint: string} {
  const assign = `assign it to a variable first: value=${excerpt}`;
  switch (place.kind) {
    case 'here':
      return {
        where: `in a here-document whose delimiter is quoted (<<'${place.document.delimiter}'): the shell replaces nothing there`,
        hint: `write <<${place.document.delimiter} without quotes, or let the text read the environment variable GODEL_ITEM`,
      };
    case 'ansi':
      return {where: "inside $'…'", hint: `close the quote before it: $'…'${excerpt}`};
    case 'backtick':
      return {where: 'inside backticks', hint: 'write $(…) instead of `…`'};
    case 'braces':
      return {where: 'inside a shell expansion ${…}', hint: assign};
    case 'unclear':
      return {
        where: 'after a lone \' inside "${…}", which sh and bash read differently',
        hint: 'assign the text with the quote to a variable first',
      };
    case 'attached':
      return {
        where: 'right after `\\`, `$` or `<<`, which would change its meaning',
        hint: 'in double quotes write `\\$` for a dollar sign and `\\\\` for a backslash',
      };
    case 'arithmetic':
    case 'subscript':
      return {
        where: 'inside arithmetic or a subscript, where some shells would run the value',
        hint: `${assign}, and check that it is a number`,
      };
    case 'commands':
    case 'double':
    case 'single':
    case 'comment':
      throw new Error(`Internal error: a reference can stand in ${place.kind}`);
  }
}
