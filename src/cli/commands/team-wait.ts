import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamWait(run: Runner): Command {
  return define('wait', {
    summary: 'Wait until a team is over',
    description: `Then prints its summary and exits by its outcome, as an attached spawn does. A team that takes one plan
after the other (team run) is waited for until it has done what it has. Interrupting the wait leaves the team running.`,
    examples: ['godel team wait', 'godel team wait audit --json', 'godel team wait audit --json=lines'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {waitFor} = await import('../wait-for.ts');
        const project = openProject(cli, command.optsWithGlobals<GlobalOptions>());
        const {team} = await pickTeam(project, name);
        return waitFor(cli, project.client, team);
      }),
    );
}
