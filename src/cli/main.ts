import {type Command, CommanderError, type OutputConfiguration} from 'commander';
import {EXIT_CODES, type ExitKind, exitKindOf} from '../model/exit-code.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import {failureLines, failureText} from '../model/failure-text.ts';
import type {Cli} from './cli.ts';
import {type EarlyOptions, readEarlyOptions} from './global-options.ts';
import {Print} from './print.ts';
import {buildProgram} from './program.ts';

/** Runs one command line and returns the exit code. Every failure ends here, said once. */
export async function main(argv: readonly string[], world: Omit<Cli, 'print'>, onPrint: (print: Print) => void) {
  const early = readEarly(argv);
  const options = 'options' in early ? early.options : {json: guessMode(argv), color: undefined, args: argv};
  const {stdout, stderr, env} = world;
  const print = new Print({json: options.json, color: options.color, env, stdout, stderr});
  onPrint(print);
  if ('failure' in early) return EXIT_CODES[report(print, early.failure)].code;
  const kind = await runCommand(options.args, {...world, print});
  return EXIT_CODES[kind].code;
}

async function runCommand(args: readonly string[], cli: Cli): Promise<ExitKind> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    return report(cli.print, {reason: 'platform-unsupported', platform: process.platform});
  }
  let kind: ExitKind = 'ok';
  const program = buildProgram(async action => {
    kind = await action(cli);
  });
  program.exitOverride();
  let errorText = '';
  prepare(program, {
    writeOut: text => cli.print.line(text.trimEnd()),
    writeErr: text => {
      errorText += text;
    },
  });
  try {
    await program.parseAsync([...args], {from: 'user'});
    return kind;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(cli.print, failureOf(error));
    if (error.exitCode === 0) return 'ok';
    return reportUsage(cli.print, {error, errorText, program, args});
  }
}

interface WrongUse {
  readonly error: CommanderError;
  readonly errorText: string;
  readonly program: Command;
  readonly args: readonly string[];
}

/** Help without being asked (a command is missing) is an error of use; so is everything else commander complains about. */
function reportUsage(print: Print, {error, errorText, program, args}: WrongUse): ExitKind {
  if (error.code !== 'commander.help') return report(print, usageFailure(error, program, args));
  if (print.json !== 'none') {
    return report(print, {reason: 'usage', message: 'a command is missing', hint: 'See godel --help.'});
  }
  print.note(errorText.trimEnd());
  return 'usage';
}

function usageFailure(error: CommanderError, program: Command, args: readonly string[]): Failure {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const path = commandPath(program, args);
  // An item of a list, `- like this`.
  if (error.code === 'commander.unknownOption' && /^unknown option '-+\s/.test(message)) {
    const hint = `Put \`--\` before it: \`${['godel', ...path].join(' ')} -- TEXT\`.`;
    return {reason: 'usage', message: 'a text that begins with a dash was taken for an option', hint};
  }
  if (suggestion !== undefined) return {reason: 'usage', message, hint: suggestion.replace(/^\((.*)\)$/, '$1')};
  const unknown = error.code === 'commander.unknownCommand' ? args[path.length] : undefined;
  const meant = unknown === undefined ? [] : groupsWith(program, unknown).map(group => `\`godel ${group} ${unknown}\``);
  const hint =
    meant.length > 0 ? `Did you mean ${meant.join(' or ')}?` : `See \`${['godel', ...path].join(' ')} --help\`.`;
  return {reason: 'usage', message, hint};
}

/** The words that lead to the command meant, as far as there is one. */
function commandPath(program: Command, args: readonly string[]): readonly string[] {
  const path: string[] = [];
  let at = program;
  for (const word of args) {
    const next = at.commands.find(command => command.name() === word);
    if (next === undefined) break;
    path.push(word);
    at = next;
  }
  return path;
}

/** The groups that have a command of this name: people forget the first word. */
function groupsWith(program: Command, name: string): readonly string[] {
  return program.commands.filter(({commands}) => commands.some(each => each.name() === name)).map(each => each.name());
}

/** Says a failure: to people on standard error, and with `--json` as the one value on standard output. */
function report(print: Print, failure: Failure): ExitKind {
  if (print.json === 'none') {
    for (const line of failureLines(failure)) print.note(`${print.styleNote('red', 'godel:')} ${line}`);
  } else {
    print.value({v: 1, error: failure, text: failureText(failure)});
  }
  return exitKindOf(failure.reason);
}

function prepare(command: Command, output: OutputConfiguration): void {
  command.configureOutput(output).exitOverride();
  for (const each of command.commands) prepare(each, output);
}

function readEarly(argv: readonly string[]): {options: EarlyOptions} | {failure: Failure} {
  try {
    return {options: readEarlyOptions(argv)};
  } catch (error) {
    return {failure: failureOf(error)};
  }
}

function guessMode(argv: readonly string[]): 'one' | 'none' {
  return argv.some(arg => arg.startsWith('--json')) ? 'one' : 'none';
}
