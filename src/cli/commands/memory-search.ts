import {type Command, Option} from 'commander';
import type {MemorySource} from '../../api/memory-contract.ts';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';
import {collect, wholeNumber} from '../option-values.ts';

interface Options extends MemoryOptions {
  readonly k: number;
  readonly tag?: readonly string[];
  readonly success?: true;
  readonly explain?: true;
  readonly from?: MemorySource;
}

export function memorySearch(run: Runner): Command {
  return ofMemory(
    define('search', {
      summary: 'Find what has to do with a task, the best first',
      description: `The hub finds by words and by meaning in all that is remembered; while it is away, the project's own cache finds
by words in what it has. What is found says which of them it was.`,
      examples: [
        'godel memory search "a login test is flaky"',
        'godel memory search make --tag command --success -k 10',
        'godel memory search "build the parser" --explain',
        'godel memory search parser --from cache --json',
      ],
    }),
  )
    .argument('<text...>', 'what to look for')
    .option('-k <number>', 'at most so many, 1 to 100', wholeNumber('-k', {min: 1, max: 100}), 5)
    .option('--tag <tag>', 'only what has this tag; repeatable', collect)
    .option('--success', 'only what has succeeded')
    .option('--explain', 'say why each was found: ranks, what raised it, its words and what others made of it')
    .addOption(new Option('--from <where>', 'ask only this; hub fails while it is away').choices(['hub', 'cache']))
    .action((words: readonly string[], _options: object, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {foundLines} = await import('../memory-text.ts');
        const {searchText} = await import('../memory-query.ts');
        const {k, tag, success, explain, from, ...global} = command.optsWithGlobals<Options>();
        const query = searchText(words);
        const narrowed = {...(tag && {tags: tag}), ...(success && {onlySuccess: success}), ...(explain && {explain})};
        const memory = await memoryOf(cli, global);
        const found = must(await memory.search({query, k, ...narrowed, ...(from && {from})}));
        if (cli.print.json !== 'none') cli.print.value(found);
        else for (const line of foundLines(found, cli.print, Date.now())) cli.print.line(line);
        return 'ok';
      }),
    );
}
