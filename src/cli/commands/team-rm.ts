import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamRm(run: Runner): Command {
  return define('rm', {
    summary: 'Remove a team that is over, with its logs and outputs',
    examples: ['godel team rm audit'],
  })
    .argument('<name>', 'the team')
    .action((name: string, _options: object, command: Command) =>
      run(async cli => {
        const {must, openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const project = openProject(cli, command.optsWithGlobals<GlobalOptions>());
        const {team} = await pickTeam(project, name);
        must(await project.client.remove(team));
        if (cli.print.json === 'none') cli.print.line(`Team ${team} is removed, with its logs and outputs.`);
        else cli.print.value({v: 1, team, removed: true});
        return 'ok';
      }),
    );
}
