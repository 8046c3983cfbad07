import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf, timeText} from '../hub-options.ts';

export function hubCertList(run: Runner): Command {
  return ofHub(
    define('list', {
      summary: 'List the certificates of agents that have not expired',
      examples: ['godel hub cert list', 'godel hub cert list --json'],
    }),
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {HubKeys} = await import('../../hub/process/hub-keys.ts');
      const {tableLines} = await import('../summary-text.ts');
      const keys = new HubKeys(pathOf(cli, command.optsWithGlobals<HubOptions>().db));
      const certificates = await keys.withAuthority(authority => authority.list());
      if (cli.print.json !== 'none') cli.print.value({v: 1, certificates});
      else if (certificates.length === 0) cli.print.line('No certificate of an agent is in force.');
      else {
        const rows = certificates.map(({serial, agentId, tenantId, role, expiresAtMs, revoked}) => [
          serial,
          tenantId,
          agentId,
          role,
          revoked ? 'revoked' : timeText(expiresAtMs),
        ]);
        for (const line of tableLines(['serial', 'tenant', 'agent', 'role', 'ends'], rows, cli.print))
          cli.print.line(line);
      }
      return 'ok';
    }),
  );
}
