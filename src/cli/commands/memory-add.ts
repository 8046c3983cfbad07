import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';
import type {DraftOptions} from '../memory-draft.ts';
import {collect, share} from '../option-values.ts';

export function memoryAdd(run: Runner): Command {
  return ofMemory(
    define('add', {
      summary: 'Add what you know, for the attempts to come',
      description:
        'It is found like what attempts have learned. With `-` a JSON object on standard input has the same fields.',
      examples: [
        'godel memory add --task "build the parser" --output "make -j2" --critique "more than two jobs run out of memory"',
        'godel memory add --task "deploy on Fridays" --failed --critique "nobody is there to look" --tag deploy',
        'godel memory add - < lesson.json',
      ],
    }),
  )
    .argument('[source]', '`-` reads standard input')
    .option('--task <text>', 'what it is about: this is what it is found by')
    .option('--input <text>', 'what was given')
    .option('--output <text>', 'what came of it')
    .option('--critique <text>', 'what there is to say of it')
    .option('--reward <number>', 'how good it was, from 0 to 1; default: 1, with --failed 0', share('--reward'))
    .option('--failed', 'it did not succeed; without it, it did if the reward is 0.5 or more')
    .option('--tag <tag>', 'to find it by; repeatable', collect)
    .action((source: string | undefined, options: DraftOptions, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {readDraft} = await import('../memory-draft.ts');
        const {hubNote} = await import('../memory-text.ts');
        const draft = await readDraft(cli, source, options);
        const memory = await memoryOf(cli, command.optsWithGlobals<MemoryOptions>());
        const added = must(await memory.add(draft));
        if (cli.print.json !== 'none') cli.print.value(added);
        else cli.print.line(`Memory ${added.id} is added.${hubNote(added.hub)}`);
        if (added.masked === true)
          cli.print.note('Something in it is or looks like a secret: *** was kept in its place.');
        return 'ok';
      }),
    );
}
