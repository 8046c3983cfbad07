import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {ofRecords, type RecordsOptions, wantedBy} from '../hub-records-options.ts';

export function hubAudit(run: Runner): Command {
  return ofRecords(
    define('audit', {
      summary: 'Show who did what at the hub, the latest first',
      description: `Pushes (a row per agent and minute), what was forgotten or quarantined, tasks assigned, refusals, keys, tokens,
certificates, backups. Works while the hub runs and while it does not.`,
      examples: [
        'godel hub audit',
        'godel hub audit --tenant acme --agent pi-07 --since 1h',
        'godel hub audit --since 7d --limit 1000 --json',
      ],
    }),
    'what this agent did, and what was done to it',
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {hub, wanted} = await wantedBy(cli, command.optsWithGlobals<RecordsOptions>());
      const {hubAudit: read} = await import('../../hub/process/records.ts');
      const {tableLines} = await import('../summary-text.ts');
      const {AUDIT_HEAD, auditCells} = await import('../hub-records-text.ts');
      const rows = await read(hub, wanted);
      if (cli.print.json !== 'none') cli.print.value({v: 1, rows});
      else if (rows.length === 0) cli.print.line('Nothing of that kind is written down.');
      else for (const line of tableLines(AUDIT_HEAD, auditCells(rows), cli.print)) cli.print.line(line);
      return 'ok';
    }),
  );
}
