import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
}

export function teamKill(run: Runner): Command {
  return define('kill', {
    summary: 'End a team and everything it runs',
    description: `What it runs is asked to stop, then sent SIGTERM and SIGKILL. Returns when nothing of it runs any more.
On a terminal it asks first.`,
    examples: ['godel team kill audit', 'godel team kill --all --yes', 'godel team kill --json'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--all', 'end every team of this project')
    .option('-y, --yes', 'do not ask')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {killTeams} = await import('../kill-teams.ts');
        return killTeams(cli, openProject(cli, options), {name, all: options.all === true, yes: options.yes === true});
      }),
    );
}
