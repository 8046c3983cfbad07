import type {Command} from 'commander';
import {GodelError} from '../../model/failure.ts';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {
  type MasterKeyOptions,
  type NewMasterKeyOptions,
  withMasterKey,
  withNewMasterKey,
} from '../master-key-options.ts';

export function hubSealRewrap(run: Runner): Command {
  const command = ofHub(
    define('rewrap', {
      summary: 'Wrap the data keys by a new master key',
      description: `What is kept stays as it is. From then on the hub is started with the new key, and the old one alone is refused; older
backups still need it. A hub that runs has its master key; of one that does not, give it. When it is broken off, do it again.`,
      examples: [
        'godel hub seal rewrap --new-master-key-file ~/hub-master-2.key',
        'godel hub seal rewrap --master-key-file ~/hub-master.key --new-master-key-file ~/hub-master-2.key',
      ],
    }),
  );
  return withMasterKey(withNewMasterKey(command)).action((_options: object, self: Command) =>
    run(async cli => {
      const options = self.optsWithGlobals<HubOptions & MasterKeyOptions & NewMasterKeyOptions>();
      const {rewrapSeal} = await import('../../hub/process/seal-desk.ts');
      const {masterKeysOf, newMasterKeyOf} = await import('../master-keys-of.ts');
      const to = newMasterKeyOf(cli, options);
      if (to === null) {
        const hint = 'Give --new-master-key-file, --new-master-key-env or --new-master-key-command.';
        throw new GodelError({reason: 'usage', message: 'the new master key is missing', hint});
      }
      const hub = {dbPath: pathOf(cli, options.db), masterKeys: masterKeysOf(cli, options)};
      const {masterKey, count} = await rewrapSeal(hub, to);
      if (cli.print.json !== 'none') cli.print.value({v: 1, masterKey, count});
      else {
        const keys = count === 1 ? '1 data key is' : `${count} data keys are`;
        cli.print.line(
          `${keys} wrapped anew, by the master key ${masterKey}. Start the hub with that one from now on.`,
        );
      }
      return 'ok';
    }),
  );
}
