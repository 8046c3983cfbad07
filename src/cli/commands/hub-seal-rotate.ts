import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

interface Options extends HubOptions, MasterKeyOptions {
  readonly tenant?: string;
}

export function hubSealRotate(run: Runner): Command {
  const command = ofHub(
    define('rotate', {
      summary: 'Seal with a new data key from now on, of each tenant or of one',
      description: `What older ones have sealed stays readable, and is not sealed anew. A hub that runs has its master key; of one that does
not, give it.`,
      examples: [
        'godel hub seal rotate',
        'godel hub seal rotate --tenant acme',
        'godel hub seal rotate --master-key-file ~/hub-master.key',
      ],
    }),
  ).option('--tenant <name>', 'of this tenant only');
  return withMasterKey(command).action((_options: object, self: Command) =>
    run(async cli => {
      const options = self.optsWithGlobals<Options>();
      const {rotateSeal} = await import('../../hub/process/seal-desk.ts');
      const {masterKeysOf} = await import('../master-keys-of.ts');
      const hub = {dbPath: pathOf(cli, options.db), masterKeys: masterKeysOf(cli, options)};
      const rotated = await rotateSeal(hub, options.tenant ?? null);
      const keys = rotated.map(({tenantId, version}) => ({tenantId: tenantId === '' ? null : tenantId, version}));
      if (cli.print.json !== 'none') cli.print.value({v: 1, keys});
      else if (keys.length === 0) cli.print.line('There is no data key yet: nothing was kept so far.');
      for (const {tenantId, version} of cli.print.json === 'none' ? keys : []) {
        const whose = tenantId === null ? 'The hub itself' : `Tenant ${tenantId}`;
        cli.print.line(`${whose} is sealed with data key ${version} from now on.`);
      }
      return 'ok';
    }),
  );
}
