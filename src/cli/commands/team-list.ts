import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamList(run: Runner): Command {
  return define('list', {
    summary: 'List the teams of this project, oldest first, running or over',
    examples: ['godel team list', 'godel team list --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {must, openProject} = await import('../connect.ts');
      const {teamEntry, teamTable} = await import('../team-list-text.ts');
      const {client, hasStore} = openProject(cli, command.optsWithGlobals<GlobalOptions>());
      const teams = hasStore ? must(await client.teams()) : [];
      if (cli.print.json !== 'none') cli.print.value({v: 1, teams: teams.map(teamEntry)});
      else if (teams.length === 0)
        cli.print.line('No teams yet. Spawn one with `godel team spawn --count 4 --plan FILE`.');
      else for (const line of teamTable(teams, cli.print)) cli.print.line(line);
      return 'ok';
    }),
  );
}
