import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';

export function memoryShow(run: Runner): Command {
  return ofMemory(
    define('show', {
      summary: 'Show one memory with everything that it has',
      examples: ['godel memory show 019a3c52-7c1e', 'godel memory show 019a3c52-7c1e --json'],
    }),
  )
    .argument('<memory>', 'its id; the beginning is enough where no other begins so')
    .action((id: string, _options: object, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {memoryLines} = await import('../memory-text.ts');
        const memory = await memoryOf(cli, command.optsWithGlobals<MemoryOptions>());
        const found = must(await memory.get(id));
        if (cli.print.json !== 'none') cli.print.value({...found, v: 1});
        else for (const line of memoryLines(found, cli.print, Date.now())) cli.print.line(line);
        return 'ok';
      }),
    );
}
