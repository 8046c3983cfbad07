import type {Command} from 'commander';
import {GodelError} from '../../model/failure.ts';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

interface Options extends HubOptions, MasterKeyOptions {
  readonly agent: string;
  readonly tenant: string;
}

export function hubKeyRemove(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('remove', {
        summary: 'Forget a public key of an agent, or all of them, so that it can make another one known',
        description:
          'What it has signed stays; without a key its episodes are taken unsigned, unless the hub requires signatures.',
        examples: [
          'godel hub key remove --agent pi-07 --tenant acme',
          'godel hub key remove --agent pi-07 --tenant acme mJxS4yJyEYcRmE0Jb7wLgnL2r8oQwZxXyqk8pV0l3Zg',
        ],
      }),
    ),
  )
    .argument('[public-key]', 'as `godel hub key list` shows it; without it all keys of the agent')
    .requiredOption('--agent <name>', 'whose')
    .requiredOption('--tenant <name>', 'of this tenant')
    .action((publicKey: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {agent: agentId, tenant: tenantId} = options;
        const {removeAgentKeys} = await import('../../hub/process/agent-key-desk.ts');
        const {masterKeysOf} = await import('../master-keys-of.ts');
        const hub = {dbPath: pathOf(cli, options.db), masterKeys: masterKeysOf(cli, options)};
        const removed = await removeAgentKeys(hub, {tenantId, agentId, publicKey: publicKey ?? null});
        if (removed.length === 0) {
          const message = `${agentId} of ${tenantId} has no ${publicKey === undefined ? 'key' : 'such key'}`;
          throw new GodelError({reason: 'usage', message, hint: '`godel hub key list` shows the keys there are.'});
        }
        if (cli.print.json !== 'none') cli.print.value({v: 1, removed});
        else cli.print.line(`${removed.length} ${removed.length === 1 ? 'key' : 'keys'} of ${agentId} forgotten.`);
        return 'ok';
      }),
    );
}
