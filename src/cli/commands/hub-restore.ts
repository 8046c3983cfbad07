import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

export function hubRestore(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('restore', {
        summary: "Put a backup where a hub's database was",
        description: `The backup is read to its end first. Nothing is written over: move the damaged database, and what lies beside it
with the endings -wal and -shm, away before.`,
        examples: ['godel hub restore hub-today.db', 'godel hub restore --db /var/lib/godel/hub.db /mnt/hub-today.db'],
      }),
    ),
  )
    .argument('<file>', 'the backup')
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<HubOptions & MasterKeyOptions>();
        const {restoreHub} = await import('../../hub/process/keepings.ts');
        const {masterKeysOf} = await import('../master-keys-of.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const [from, dbPath] = [pathOf(cli, file), pathOf(cli, options.db)];
        const masterKeys = masterKeysOf(cli, options);
        const report = must(await restoreHub({from, dbPath, masterKeys}));
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: dbPath, report});
        else for (const line of reportLines(`${dbPath} is there again`, report)) cli.print.line(line);
        return 'ok';
      }),
    );
}
