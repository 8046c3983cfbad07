import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

export function hubVerify(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('verify', {
        summary: 'Read a backup, or the database of a hub that does not run, to its end, and say what is damaged',
        description:
          'Exits with 1 when something is, and with 5 when the file is no database at all any more. Without its master key what is sealed is only looked at from outside.',
        examples: ['godel hub verify', 'godel hub verify hub-today.db --json'],
      }),
    ),
  )
    .argument('[file]', 'the backup; default: the database of the hub')
    .action((file: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<HubOptions & MasterKeyOptions>();
        const {verifyHub} = await import('../../hub/process/keepings.ts');
        const {masterKeysOf} = await import('../master-keys-of.ts');
        const {must} = await import('../connect.ts');
        const {reportLines} = await import('../hub-report-text.ts');
        const path = pathOf(cli, file ?? options.db);
        const masterKeys = masterKeysOf(cli, options);
        const report = must(await verifyHub({file: path, masterKeys}));
        const isWhole = report.findings.length === 0;
        if (cli.print.json !== 'none') cli.print.value({v: 1, file: path, report});
        else {
          for (const line of reportLines(`${path} is ${isWhole ? 'whole' : 'damaged'}`, report)) cli.print.line(line);
        }
        return isWhole ? 'ok' : 'tasks';
      }),
    );
}
