import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, masterKeyOption, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly masterKeyFile?: string;
}

export function hubVerify(run: Runner): Command {
  return ofHub(
    define('verify', {
      summary: 'Read a backup, or the database of a hub that does not run, to its end, and say what is damaged',
      description:
        'Exits with 1 when something is, and with 5 when the file is no database at all any more. Without its master key what is sealed is only looked at from outside.',
      examples: ['godel hub verify', 'godel hub verify hub-today.db --json'],
    }),
  )
    .argument('[file]', 'the backup; default: the database of the hub')
    .addOption(masterKeyOption())
    .action((file: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {db, masterKeyFile} = command.optsWithGlobals<Options>();
        const {verifyHub} = await import('../../hub/process/keepings.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const path = pathOf(cli, file ?? db);
        const key = masterKeyFile === undefined ? null : pathOf(cli, masterKeyFile);
        const report = must(await verifyHub({file: path, masterKeyFile: key}));
        const isWhole = report.findings.length === 0;
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: path, report});
        else {
          for (const line of reportLines(`${path} is ${isWhole ? 'whole' : 'damaged'}`, report)) cli.print.line(line);
        }
        return isWhole ? 'ok' : 'tasks';
      }),
    );
}
