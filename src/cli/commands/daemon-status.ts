import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function daemonStatus(run: Runner): Command {
  return define('status', {
    summary: 'Show whether the daemon of this project runs, with its teams and hosts',
    description: 'Exits with 5 when it does not run.',
    examples: ['godel daemon status', 'godel daemon status --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {must, openProject} = await import('../connect.ts');
      const {daemonLines} = await import('../daemon-text.ts');
      const daemon = must(await openProject(cli, command.optsWithGlobals<GlobalOptions>()).visitor.daemon());
      if (cli.print.json === 'none') for (const line of daemonLines(daemon, cli.print)) cli.print.line(line);
      else cli.print.value(daemon);
      return 'ok';
    }),
  );
}
