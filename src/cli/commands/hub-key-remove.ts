import type {Command} from 'commander';
import {GodelError} from '../../model/failure.ts';
import {define, type Runner} from '../define.ts';
import {type HubOptions, masterKeyOption, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly agent: string;
  readonly tenant: string;
  readonly masterKeyFile?: string;
}

export function hubKeyRemove(run: Runner): Command {
  return ofHub(
    define('remove', {
      summary: 'Forget a public key of an agent, or all of them, so that it can make another one known',
      description:
        'What it has signed stays; without a key its episodes are taken unsigned, unless the hub requires signatures.',
      examples: [
        'godel hub key remove --agent pi-07 --tenant acme',
        'godel hub key remove --agent pi-07 --tenant acme mJxS4yJyEYcRmE0Jb7wLgnL2r8oQwZxXyqk8pV0l3Zg',
      ],
    }),
  )
    .argument('[public-key]', 'as `godel hub key list` shows it; without it all keys of the agent')
    .requiredOption('--agent <name>', 'whose')
    .requiredOption('--tenant <name>', 'of this tenant')
    .addOption(masterKeyOption())
    .action((publicKey: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {db, agent: agentId, tenant: tenantId, masterKeyFile: file} = command.optsWithGlobals<Options>();
        const {removeAgentKeys} = await import('../../hub/process/agent-key-desk.ts');
        const hub = {dbPath: pathOf(cli, db), masterKeyFile: file === undefined ? null : pathOf(cli, file)};
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
