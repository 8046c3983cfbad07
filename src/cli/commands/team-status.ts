import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly plain?: boolean;
  readonly watch?: boolean;
}

export function teamStatus(run: Runner): Command {
  return define('status', {
    summary: 'Show how a team is doing',
    description: `Progress by state, what runs and for how long, why tasks wait, failures first. On a terminal a live screen
(q quits, ? shows the keys, K ends the team), otherwise the same facts once.`,
    examples: [
      'godel team status',
      'godel team status audit --plain',
      'godel team status audit --watch',
      'godel team status --json',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--plain', 'print the facts once, also on a terminal')
    .option('--watch', 'print a line whenever something has changed, until the team is over')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {showStatus} = await import('../show-status.ts');
        const project = openProject(cli, options);
        await showStatus(cli, project.client, await pickTeam(project, name), options);
        return 'ok';
      }),
    );
}
