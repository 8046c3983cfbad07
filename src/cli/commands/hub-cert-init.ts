import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {wholeNumber} from '../option-values.ts';

interface Options extends HubOptions {
  readonly name: string;
  readonly days: number;
}

export function hubCertInit(run: Runner): Command {
  return ofHub(
    define('init', {
      summary: 'Make the authority that signs certificates of the hub and of its agents',
      description: 'Where there is one it stays, and its revocation list is written anew.',
      examples: ['godel hub cert init', 'godel hub cert init --name "acme hub" --days 730'],
    }),
  )
    .option('--name <name>', 'what it is called in certificates', 'godel hub')
    .option('--days <n>', 'how long it is good', wholeNumber('--days', {min: 1, max: 3660}), 3650)
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {db, name, days} = command.optsWithGlobals<Options>();
        const {HubKeys} = await import('../../hub/process/hub-keys.ts');
        const keys = new HubKeys(pathOf(cli, db));
        const authority = await keys.initAuthority({name, days});
        const folder = keys.authorityFolder;
        if (cli.print.json !== 'none') cli.print.value({v: 1, folder, certificate: authority.certificate});
        else {
          cli.print.line(`The authority is in ${folder}; ca.pem is for clients, all else stays here.`);
          cli.print.line('A certificate of the hub itself: godel hub cert issue --server --out DIR');
        }
        return 'ok';
      }),
    );
}
