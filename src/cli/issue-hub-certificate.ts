import {join} from 'node:path';
import {HubKeys, writeIssued} from '../hub/process/hub-keys.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {HubRole} from '../model/hub.ts';
import type {Cli} from './cli.ts';
import {type HubOptions, pathOf, timeText} from './hub-options.ts';

export interface CertIssueOptions extends HubOptions {
  readonly agent?: string;
  readonly tenant?: string;
  readonly role: HubRole;
  readonly server?: boolean;
  readonly host?: readonly string[];
  readonly days?: number;
  readonly out: string;
}

export async function issueHubCertificate(cli: Cli, options: CertIssueOptions): Promise<ExitKind> {
  const {agent: agentId, tenant: tenantId, role, server = false, host, days, out} = options;
  const isClear = server ? agentId === undefined && tenantId === undefined : host === undefined;
  if (!isClear || (!server && (agentId === undefined || tenantId === undefined))) {
    const hint = 'Give --agent and --tenant, or --server with its --host.';
    throw new GodelError({reason: 'usage', message: 'whom the certificate is for is not clear', hint});
  }
  const folder = pathOf(cli, out);
  const life = days === undefined ? {} : {days};
  const issued = await new HubKeys(pathOf(cli, options.db)).withAuthority(async authority => {
    const made =
      agentId === undefined || tenantId === undefined
        ? await authority.issueServer({...life, ...(host !== undefined && {hosts: host})})
        : await authority.issue({...life, agentId, tenantId, role});
    const name = fileName(agentId ?? 'hub');
    writeIssued(folder, name, {...made, authority: authority.certificate});
    return {...made, name};
  });
  const {serial, expiresAtMs, name} = issued;
  const [certificate, key, authority] = [`${name}.pem`, `${name}.key`, 'ca.pem'].map(file => join(folder, file));
  if (cli.print.json !== 'none') cli.print.value({v: 1, serial, expiresAtMs, certificate, key, authority});
  else cli.print.line(`Certificate ${serial} ends ${timeText(expiresAtMs)}: ${certificate}, with its key and ca.pem.`);
  return 'ok';
}

/** Names of agents may hold anything. */
function fileName(name: string): string {
  return name
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 100);
}
