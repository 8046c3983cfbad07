import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, masterKeyOption, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly masterKeyFile?: string;
}

export function hubRestore(run: Runner): Command {
  return ofHub(
    define('restore', {
      summary: "Put a backup where a hub's database was",
      description: `The backup is read to its end first. Nothing is written over: move the damaged database, and what lies beside it
with the endings -wal and -shm, away before.`,
      examples: ['godel hub restore hub-today.db', 'godel hub restore --db /var/lib/godel/hub.db /mnt/hub-today.db'],
    }),
  )
    .argument('<file>', 'the backup')
    .addOption(masterKeyOption())
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        const {db, masterKeyFile} = command.optsWithGlobals<Options>();
        const {restoreHub} = await import('../../hub/process/keepings.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const [from, dbPath] = [pathOf(cli, file), pathOf(cli, db)];
        const key = masterKeyFile === undefined ? null : pathOf(cli, masterKeyFile);
        const report = must(await restoreHub({from, dbPath, masterKeyFile: key}));
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: dbPath, report});
        else for (const line of reportLines(`${dbPath} is there again`, report)) cli.print.line(line);
        return 'ok';
      }),
    );
}
