import {type Command, Option} from 'commander';
import {define, type Runner} from '../define.ts';
import {ofRecords, type RecordsOptions, wantedBy} from '../hub-records-options.ts';

interface Options extends RecordsOptions {
  readonly state?: 'active' | 'past';
}

export function hubSessions(run: Runner): Command {
  return ofRecords(
    define('sessions', {
      summary: 'Show which agents are connected to the hub and which were, from when to when, the latest first',
      description: 'Works while the hub runs and while it does not.',
      examples: [
        'godel hub sessions',
        'godel hub sessions --state active --tenant acme',
        'godel hub sessions --agent pi-07 --since 1d --json',
      ],
    }),
    'of this agent only',
  )
    .addOption(new Option('--state <state>', 'only those that last, or that are over').choices(['active', 'past']))
    .action((_options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {hub, wanted} = await wantedBy(cli, options);
        const {hubSessions: read} = await import('../../hub/process/records.ts');
        const {tableLines} = await import('../summary-text.ts');
        const {SESSIONS_HEAD, sessionCells} = await import('../hub-records-text.ts');
        const sessions = await read(hub, {...wanted, ...(options.state !== undefined && {state: options.state})});
        if (cli.print.json !== 'none') cli.print.value({v: 1, sessions});
        else if (sessions.length === 0) cli.print.line('No session of that kind is written down.');
        else for (const line of tableLines(SESSIONS_HEAD, sessionCells(sessions), cli.print)) cli.print.line(line);
        return 'ok';
      }),
    );
}
