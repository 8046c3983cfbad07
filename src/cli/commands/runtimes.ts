import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function runtimes(run: Runner): Command {
  return define('runtimes', {
    summary: 'Show the coding agents that can be used here: their versions, and whether they are logged in',
    description: `Each one that is found is started once to ask for its version. Nothing is asked of a model. Exit code 1
when none can be used.`,
    examples: ['godel runtimes', 'godel runtimes --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {showRuntimes} = await import('../show-runtimes.ts');
      return showRuntimes(cli, command.optsWithGlobals<GlobalOptions>());
    }),
  );
}
