import type {Command} from 'commander';
import {GodelError} from '../../model/failure.ts';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly agent?: string;
  readonly tenant?: string;
}

export function hubCertRevoke(run: Runner): Command {
  return ofHub(
    define('revoke', {
      summary: 'Refuse a certificate from now on, or all of an agent',
      description: `Writes crl.pem of the authority, which a hub that was started with its ca.pem as --client-ca reads again within a
second; connections with it are ended.`,
      examples: ['godel hub cert revoke 4f6a01', 'godel hub cert revoke --agent pi-07 --tenant acme'],
    }),
  )
    .argument('[serial]', 'as `godel hub cert list` shows it')
    .option('--agent <name>', 'all certificates of this agent')
    .option('--tenant <name>', 'of this tenant')
    .action((serial: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {db, agent: agentId, tenant: tenantId} = command.optsWithGlobals<Options>();
        const {HubKeys} = await import('../../hub/process/hub-keys.ts');
        const what = revoked(serial, agentId, tenantId);
        const serials = await new HubKeys(pathOf(cli, db)).withAuthority(authority => authority.revoke(what));
        if (cli.print.json !== 'none') cli.print.value({v: 1, revoked: serials});
        else if (serials.length === 0) cli.print.line('There was none in force.');
        else for (const each of serials) cli.print.line(`Certificate ${each} is refused from now on.`);
        return 'ok';
      }),
    );
}

function revoked(serial: string | undefined, agentId: string | undefined, tenantId: string | undefined) {
  if (serial !== undefined && agentId === undefined && tenantId === undefined) return {serial};
  if (serial === undefined && agentId !== undefined && tenantId !== undefined) return {agentId, tenantId};
  const hint = 'Give the serial of a certificate, or --agent and --tenant.';
  throw new GodelError({reason: 'usage', message: 'what is to be revoked is not clear', hint});
}
