import {Command} from 'commander';
import type {ExitKind} from '../model/exit-code.ts';
import type {Cli} from './cli.ts';

/** What runs a command's action and keeps its exit code; the program hands it to every command's definition. */
export type Runner = (action: (cli: Cli) => Promise<ExitKind>) => Promise<void>;

/** A command with its examples, as each file in `commands/` begins. */
export function define(
  name: string,
  {description, examples}: {description: string; examples: readonly string[]},
): Command {
  const command = new Command(name).description(description).allowExcessArguments(false);
  return command.addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${example}`).join('\n')}`);
}
