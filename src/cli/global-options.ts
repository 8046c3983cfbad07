import {Option} from 'commander';
import {GodelError} from '../model/failure.ts';
import type {JsonMode} from './print.ts';

/** What must be known before anything is parsed, because errors of parsing obey it too. */
export interface EarlyOptions {
  readonly json: JsonMode;
  readonly color: boolean | undefined;
  /** Without `--json`, `--json=lines`, `--color` and `--no-color`, which may stand anywhere before a `--`. */
  readonly args: readonly string[];
}

/** Takes `--json[=lines]` and `--[no-]color` out of the arguments. `--json` never swallows the word after it. */
export function readEarlyOptions(argv: readonly string[]): EarlyOptions {
  let json: JsonMode = 'none';
  let color: boolean | undefined;
  const args: string[] = [];
  const end = argv.indexOf('--');
  for (const [index, arg] of argv.entries()) {
    if (end >= 0 && index >= end) args.push(arg);
    else if (arg === '--json' || arg === '--json=one') json = 'one';
    else if (arg === '--json=lines') json = 'lines';
    else if (arg.startsWith('--json=')) throw new GodelError(unknownMode(arg));
    else if (arg === '--no-color') color = false;
    else if (arg === '--color') color = true;
    else args.push(arg);
  }
  // Asked for by habit as an option.
  if (args[0] === '--version' || args[0] === '-V') args[0] = 'version';
  return {json, color, args};
}

function unknownMode(arg: string) {
  const message = `${arg}: there is no such form of JSON output`;
  return {reason: 'usage', message, hint: 'Use --json (one value) or --json=lines (events as NDJSON).'} as const;
}

/** The options that every command shows in its help. */
export function globalOptions(): Option[] {
  return [
    new Option('--json', 'print one JSON value on stdout; --json=lines streams events as NDJSON where it makes sense'),
    new Option('--no-color', 'no colours (also: NO_COLOR)'),
    new Option('--project <dir>', 'the project to work in, instead of the one around the current folder'),
    new Option('--set <key=value>', 'a setting for this command and a daemon it starts; repeatable').argParser(
      addSetting,
    ),
  ];
}

function addSetting(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at > 0) return {...before, [text.slice(0, at)]: text.slice(at + 1)};
  throw new GodelError({
    reason: 'usage',
    message: `--set ${text}: a key and a value are expected`,
    hint: 'For example --set max-agents=200.',
  });
}
