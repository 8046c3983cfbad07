import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {ofHub, roleOption} from '../hub-options.ts';
import type {CertIssueOptions} from '../issue-hub-certificate.ts';
import {collect, wholeNumber} from '../option-values.ts';

export function hubCertIssue(run: Runner): Command {
  return ofHub(
    define('issue', {
      summary: 'Make a certificate for an agent, or with --server for the hub',
      description: `Writes NAME.pem and NAME.key (readable for you alone) and ca.pem into a folder. An agent needs its certificate and
its token, of the same agent and tenant.`,
      examples: [
        'godel hub cert issue --agent pi-07 --tenant acme --out pi-07',
        'godel hub cert issue --server --host hub.example.org --host 10.0.0.7 --out tls',
      ],
    }),
  )
    .option('--agent <name>', 'who it is for')
    .option('--tenant <name>', 'of which tenant')
    .addOption(roleOption())
    .option('--server', 'for the hub itself')
    .option('--host <name>', 'a name or address that the hub is reached by; repeatable; default: this machine', collect)
    .option(
      '--days <n>',
      'how long it is good; default: 7 for agents, 90 for the hub',
      wholeNumber('--days', {min: 1, max: 366}),
    )
    .option('--out <dir>', 'where the files go', '.')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {issueHubCertificate} = await import('../issue-hub-certificate.ts');
        return issueHubCertificate(cli, command.optsWithGlobals<CertIssueOptions>());
      }),
    );
}
