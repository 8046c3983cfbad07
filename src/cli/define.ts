import {Command} from 'commander';
import type {ExitKind} from '../model/exit-code.ts';
import type {Cli} from './cli.ts';

/** What runs a command's action and keeps its exit code; the program hands it to every command's definition. */
export type Runner = (action: (cli: Cli) => Promise<ExitKind>) => Promise<void>;

export interface Definition {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What more there is to know, for the command's own help. */
  readonly description?: string;
  readonly examples: readonly string[];
}

/** A command with its examples, as each file in `commands/` begins. */
export function define(name: string, {summary, description, examples}: Definition): Command {
  const whole = description === undefined ? `${summary}.` : `${summary}. ${description.replaceAll(/\s+/g, ' ')}`;
  const command = new Command(name).summary(summary).description(whole).allowExcessArguments(false);
  return command.addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${example}`).join('\n')}`);
}
