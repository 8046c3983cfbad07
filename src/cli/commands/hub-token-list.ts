import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf, timeText} from '../hub-options.ts';

export function hubTokenList(run: Runner): Command {
  return ofHub(
    define('list', {
      summary: 'List the tokens that were given out and have not expired, and the keys that sign',
      examples: ['godel hub token list', 'godel hub token list --json'],
    }),
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {HubKeys} = await import('../../hub/process/hub-keys.ts');
      const {tableLines} = await import('../summary-text.ts');
      const listed = await new HubKeys(pathOf(cli, command.optsWithGlobals<HubOptions>().db)).listTokens();
      if (cli.print.json !== 'none') cli.print.value({v: 1, ...listed});
      else if (listed.issued.length === 0) cli.print.line('No token is in force. `godel hub token create` makes one.');
      else {
        const rows = listed.issued.map(({tokenId, agentId, tenantId, role, expiresAtMs, revoked}) => [
          tokenId,
          tenantId,
          agentId,
          role,
          revoked ? 'revoked' : timeText(expiresAtMs),
        ]);
        for (const line of tableLines(['token', 'tenant', 'agent', 'role', 'ends'], rows, cli.print))
          cli.print.line(line);
      }
      return 'ok';
    }),
  );
}
