import type {Command} from 'commander';
import {GodelError} from '../../model/failure.ts';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';

interface Options extends HubOptions {
  readonly agent?: string;
  readonly tenant?: string;
}

export function hubTokenRevoke(run: Runner): Command {
  return ofHub(
    define('revoke', {
      summary: 'Refuse a token from now on, or all that an agent was given',
      description: 'Connections of it are ended within about a second. A token that is made afterwards is good.',
      examples: [
        'godel hub token revoke 6f1c2a50-3f0e-4e57-9d55-0c3a7f3f9a11',
        'godel hub token revoke --agent pi-07 --tenant acme',
      ],
    }),
  )
    .argument('[token-id]', 'as `godel hub token list` shows it')
    .option('--agent <name>', 'all tokens of this agent')
    .option('--tenant <name>', 'of this tenant')
    .action((tokenId: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {db, agent: agentId, tenant: tenantId} = command.optsWithGlobals<Options>();
        const {HubKeys} = await import('../../hub/process/hub-keys.ts');
        const keys = new HubKeys(pathOf(cli, db));
        const revocation = await keys.revokeToken(revoked(tokenId, agentId, tenantId));
        if (cli.print.json !== 'none') cli.print.value({v: 1, revocation});
        else if (revocation.kind === 'token') cli.print.line(`Token ${revocation.tokenId} is refused from now on.`);
        else cli.print.line(`All tokens of ${revocation.agentId} (${revocation.tenantId}) up to now are refused.`);
        return 'ok';
      }),
    );
}

function revoked(tokenId: string | undefined, agentId: string | undefined, tenantId: string | undefined) {
  if (tokenId !== undefined && agentId === undefined && tenantId === undefined) return {tokenId};
  if (tokenId === undefined && agentId !== undefined && tenantId !== undefined) return {agentId, tenantId};
  const hint = 'Give the id of a token, or --agent and --tenant.';
  throw new GodelError({reason: 'usage', message: 'what is to be revoked is not clear', hint});
}
