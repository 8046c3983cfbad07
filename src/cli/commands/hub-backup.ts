import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

export function hubBackup(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('backup', {
        summary: "Copy a hub's database into a new file, while it runs or not",
        description: `The copy is read before it gets its name. What was sealed stays sealed. Keys of tokens and certificates are not in it:
keep the folder beside the database too.`,
        examples: ['godel hub backup hub-today.db', 'godel hub backup --db /var/lib/godel/hub.db /mnt/hub-today.db'],
      }),
    ),
  )
    .argument('<file>', 'where the copy goes; must not be there yet')
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<HubOptions & MasterKeyOptions>();
        const {backUpHub} = await import('../../hub/process/keepings.ts');
        const {masterKeysOf} = await import('../master-keys-of.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const path = pathOf(cli, file);
        const masterKeys = masterKeysOf(cli, options);
        const report = must(await backUpHub({dbPath: pathOf(cli, options.db), file: path, masterKeys}));
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: path, report});
        else for (const line of reportLines(`${path} was made`, report)) cli.print.line(line);
        return 'ok';
      }),
    );
}
