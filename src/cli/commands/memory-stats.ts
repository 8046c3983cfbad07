import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function memoryStats(run: Runner): Command {
  return define('stats', {
    summary: 'Show how much is remembered, by whom, what is used, and how the hub is',
    examples: ['godel memory stats', 'godel memory stats --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {must, openProject} = await import('../connect.ts');
      const {statsLines} = await import('../memory-text.ts');
      const {client} = openProject(cli, command.optsWithGlobals<GlobalOptions>());
      const stats = must(await client.memory.stats());
      if (cli.print.json !== 'none') cli.print.value(stats);
      else for (const line of statsLines(stats, cli.print)) cli.print.line(line);
      return 'ok';
    }),
  );
}
