import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {memoryOf, type MemoryOptions, ofMemory} from '../memory-options.ts';

interface Options extends MemoryOptions {
  readonly agent: string;
  readonly undo?: true;
}

export function memoryQuarantine(run: Runner): Command {
  return ofMemory(
    define('quarantine', {
      summary: 'Hold back all that an agent has remembered so far: it is kept, but given to nobody',
      description: 'At a hub this needs the role of a coordinator.',
      examples: ['godel memory quarantine --agent audit-03', 'godel memory quarantine --agent audit-03 --undo'],
    }),
  )
    .requiredOption('--agent <name>', 'who has remembered them, as `godel memory search` shows')
    .option('--undo', 'give them again')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {hubNote} = await import('../memory-text.ts');
        const {plural} = await import('../../base/amount.ts');
        const {agent, undo = false, ...global} = command.optsWithGlobals<Options>();
        const memory = await memoryOf(cli, global);
        const report = must(await memory.quarantine({agent, undo}));
        if (cli.print.json !== 'none') cli.print.value(report);
        else {
          const changed = plural(report.ids.length, 'memory', 'memories');
          const what = undo ? 'given again' : 'held back';
          cli.print.line(`${changed} of ${agent} ${what}, of ${report.episodes}.${hubNote(report.hub)}`);
        }
        return 'ok';
      }),
    );
}
