import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf, timeText} from '../hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from '../master-key-options.ts';

interface Options extends HubOptions, MasterKeyOptions {
  readonly agent?: string;
  readonly tenant?: string;
}

export function hubKeyList(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('list', {
        summary: 'List the public keys that agents have made known',
        description: 'The first 10,000, by tenant and agent; works while the hub runs and while it does not.',
        examples: ['godel hub key list', 'godel hub key list --tenant acme --json'],
      }),
    ),
  )
    .option('--tenant <name>', 'of this tenant only')
    .option('--agent <name>', 'of this agent only')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {tenant: tenantId, agent: agentId} = options;
        const {listAgentKeys} = await import('../../hub/process/agent-key-desk.ts');
        const {masterKeysOf} = await import('../master-keys-of.ts');
        const {tableLines} = await import('../summary-text.ts');
        const hub = {dbPath: pathOf(cli, options.db), masterKeys: masterKeysOf(cli, options)};
        const wanted = {...(tenantId !== undefined && {tenantId}), ...(agentId !== undefined && {agentId})};
        const keys = await listAgentKeys(hub, wanted);
        if (cli.print.json !== 'none') cli.print.value({v: 1, keys});
        else if (keys.length === 0) cli.print.line('No agent has made a key known.');
        else {
          const rows = keys.map(key => [key.tenantId, key.agentId, key.publicKey, timeText(key.sinceMs)]);
          for (const line of tableLines(['tenant', 'agent', 'public key', 'since'], rows, cli.print))
            cli.print.line(line);
        }
        return 'ok';
      }),
    );
}
