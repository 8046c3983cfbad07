import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';
import {duration} from '../option-values.ts';

interface Options extends MemoryOptions {
  readonly before?: number;
  readonly tag?: string;
  readonly yes?: true;
}

export function memoryForget(run: Runner): Command {
  return ofMemory(
    define('forget', {
      summary: 'Forget memories for good',
      description: 'Asks before it does, where somebody sits at the terminal. At a hub, only ids and positions remain.',
      examples: [
        'godel memory forget 019a3c52-7c1e',
        'godel memory forget --before 90d',
        'godel memory forget --tag deploy --before 30d --yes',
      ],
    }),
  )
    .argument('[memory...]', 'ids; the beginning is enough where no other begins so')
    .option('--before <duration>', 'all that are older than this, for example 30d', duration('--before'))
    .option('--tag <tag>', 'all that have this tag')
    .option('--yes', 'do not ask')
    .action((ids: readonly string[], _options: object, command: Command) =>
      run(async cli => {
        const {forgetMemories} = await import('../forget-memories.ts');
        const {before, tag, yes = false, ...global} = command.optsWithGlobals<Options>();
        const filter = {...(before !== undefined && {before}), ...(tag !== undefined && {tag})};
        return forgetMemories(cli, await memoryOf(cli, global), {ids, yes, ...filter});
      }),
    );
}
