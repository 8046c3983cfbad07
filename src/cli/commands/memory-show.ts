import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function memoryShow(run: Runner): Command {
  return define('show', {
    summary: 'Show one memory with everything that it has',
    examples: ['godel memory show 019a3c52-7c1e', 'godel memory show 019a3c52-7c1e --json'],
  })
    .argument('<memory>', 'its id; the beginning is enough where no other begins so')
    .action((id: string, _options: object, command: Command) =>
      run(async cli => {
        const {must, openProject} = await import('../connect.ts');
        const {memoryLines} = await import('../memory-text.ts');
        const {client} = openProject(cli, command.optsWithGlobals<GlobalOptions>());
        const memory = must(await client.memory.get(id));
        if (cli.print.json !== 'none') cli.print.value({...memory, v: 1});
        else for (const line of memoryLines(memory, cli.print, Date.now())) cli.print.line(line);
        return 'ok';
      }),
    );
}
