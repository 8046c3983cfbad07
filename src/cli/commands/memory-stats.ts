import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';

export function memoryStats(run: Runner): Command {
  return ofMemory(
    define('stats', {
      summary: 'Show how much is remembered, by whom, what is used, and how the hub is',
      examples: ['godel memory stats', 'godel memory stats --json'],
    }),
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {must} = await import('../connect.ts');
      const {statsLines} = await import('../memory-text.ts');
      const memory = await memoryOf(cli, command.optsWithGlobals<MemoryOptions>());
      const stats = must(await memory.stats());
      if (cli.print.json !== 'none') cli.print.value(stats);
      else for (const line of statsLines(stats, cli.print)) cli.print.line(line);
      return 'ok';
    }),
  );
}
