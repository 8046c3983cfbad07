import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';
import {GodelError} from '../../model/failure.ts';

export function memoryExport(run: Runner): Command {
  return ofMemory(
    define('export', {
      summary: 'Write all memories as JSON lines, one for each with its state',
      description: 'Without a file, to standard output. A file is there whole or not at all.',
      examples: ['godel memory export lessons.jsonl', 'godel memory export - | wc -l'],
    }),
  )
    .argument('[file]', 'where to; `-` is standard output', '-')
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        if (file === '-' && cli.print.json === 'one') {
          const hint = 'Give a file, or leave --json out: what is printed is JSON lines anyway.';
          throw new GodelError({reason: 'usage', message: '--json prints one value, and memories are many', hint});
        }
        const {exportMemories} = await import('../export-memories.ts');
        return exportMemories(cli, await memoryOf(cli, command.optsWithGlobals<MemoryOptions>()), file);
      }),
    );
}
