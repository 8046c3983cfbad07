import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, masterKeyOption, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly masterKeyFile?: string;
}

export function hubBackup(run: Runner): Command {
  return ofHub(
    define('backup', {
      summary: "Copy a hub's database into a new file, while it runs or not",
      description: `The copy is read before it gets its name. What was sealed stays sealed. Keys of tokens and certificates are not in it:
keep the folder beside the database too.`,
      examples: ['godel hub backup hub-today.db', 'godel hub backup --db /var/lib/godel/hub.db /mnt/hub-today.db'],
    }),
  )
    .argument('<file>', 'where the copy goes; must not be there yet')
    .addOption(masterKeyOption())
    .action((file: string, _options: object, command: Command) =>
      run(async cli => {
        const {db, masterKeyFile} = command.optsWithGlobals<Options>();
        const {backUpHub} = await import('../../hub/process/keepings.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const path = pathOf(cli, file);
        const key = masterKeyFile === undefined ? null : pathOf(cli, masterKeyFile);
        const report = must(await backUpHub({dbPath: pathOf(cli, db), file: path, masterKeyFile: key}));
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: path, report});
        else for (const line of reportLines(`${path} was made`, report)) cli.print.line(line);
        return 'ok';
      }),
    );
}
