import {Argument, type Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';

export function memoryVote(run: Runner): Command {
  return ofMemory(
    define('vote', {
      summary: 'Say that a memory is good or bad: it is found sooner, or later',
      description: 'Your last vote on a memory counts.',
      examples: ['godel memory vote 019a3c52-7c1e up', 'godel memory vote 019a3c52-7c1e down'],
    }),
  )
    .argument('<memory>', 'its id; the beginning is enough where no other begins so')
    .addArgument(new Argument('<value>', 'what you think of it').choices(['up', 'down']))
    .action((id: string, value: 'up' | 'down', _options: object, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {hubNote} = await import('../memory-text.ts');
        const memory = await memoryOf(cli, command.optsWithGlobals<MemoryOptions>());
        const voted = must(await memory.vote({id, value}));
        if (cli.print.json !== 'none') cli.print.value(voted);
        else cli.print.line(`Memory ${voted.id} is voted ${value}.${hubNote(voted.hub)}`);
        return 'ok';
      }),
    );
}
