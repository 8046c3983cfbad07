import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';

interface Options extends MemoryOptions {
  readonly skipBad?: true;
}

export function memoryImport(run: Runner): Command {
  return ofMemory(
    define('import', {
      summary: 'Take in memories that were exported, here or elsewhere',
      description: `What is here already is left as it is, so a second time adds nothing. Where a line is wrong, nothing of the file
is taken.`,
      examples: ['godel memory import lessons.jsonl', 'godel memory import lessons.jsonl --skip-bad'],
    }),
  )
    .argument('<file>', 'JSON lines, as `godel memory export` writes them')
    .option('--skip-bad', 'leave out the lines that are wrong, and take the others')
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        const {importMemories} = await import('../import-memories.ts');
        const {skipBad = false, ...global} = command.optsWithGlobals<Options>();
        return importMemories(cli, await memoryOf(cli, global), {file, skipBad});
      }),
    );
}
