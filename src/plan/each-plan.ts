import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {MAX_ITEMS} from './schema.ts';

/**
 * The plan document of `--each COMMAND`: one instance of the task `each` per line. `{}` in the command stands for the
 * line, quoted whatever the line holds; without `{}` the line becomes the last argument, as with xargs.
 */
export function eachPlan(command: string, lines: readonly string[]): Result<{readonly document: unknown}, Failure> {
  if (command.trim() === '') return usage('--each needs a command', "for example --each 'gzip {}'");
  if (lines.length === 0) return usage('--each found no lines on standard input', 'pipe one line per task into it');
  if (lines.length > MAX_ITEMS) return usage(`--each got ${lines.length} lines; at most ${MAX_ITEMS} fit`);
  const run = command.includes('{}') ? command.replaceAll('{}', () => '${{ item }}') : `${command} \${{ item }}`;
  return ok({document: {version: 1, tasks: {each: {foreach: lines, run}}}});
}

function usage(message: string, hint?: string): {readonly ok: false; readonly failure: Failure} {
  return fail({reason: 'usage', message, ...(hint === undefined ? {} : {hint})});
}
