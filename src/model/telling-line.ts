import {lastLine} from '../base/one-line.ts';

/** `TypeError: …`, `Error [ERR_X]: …`, `java.lang.IllegalStateException: …`, also after a prefix, and an error without words. */
const NAMED_ERROR = /(?:^|[\s.[])(?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?(?::|$)/;
/** `error: …`, `fatal: …`, `main.c:3:1: error: …`, `error[E0308]: …`, `npm error …`. */
const SAID_ERROR = /^(?:\S+: )*(?:fatal|error|panic)(?:\[\w+\])?:|^npm (?:ERR!|error) (?!A complete log)/i;
/** What Node prints below the message and the stack of an error that nobody caught. */
const NODE_VERSION = /^Node\.js v\d/;

/**
 * The line of a failed program's output that tells most about why: the last one that looks like an error message, else
 * the last one that says something. Safe to show; null when there is none.
 */
export function tellingLine(output: string, maxLength: number): string | null {
  const lines = output.split('\n').flatMap(line => lastLine(line, maxLength) ?? []);
  return (
    lines.findLast(line => NAMED_ERROR.test(line) || SAID_ERROR.test(line)) ??
    lines.findLast(line => !NODE_VERSION.test(line)) ??
    lines.at(-1) ??
    null
  );
}
