import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function doctor(run: Runner): Command {
  return define('doctor', {
    summary: 'Check what godel needs on this machine and in this project, and say what to do about what is missing',
    examples: ['godel doctor', 'godel doctor --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {examine} = await import('../examine.ts');
      return examine(cli, command.optsWithGlobals<GlobalOptions>());
    }),
  );
}
