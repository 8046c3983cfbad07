import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import type {PrOptions} from '../pr-team.ts';

export function teamPr(run: Runner): Command {
  return define('pr', {
    summary: 'Make a pull request of the work of a team',
    description: `Prints the commands that push its branch and open the pull request; with --create they are run (by your own
git, and by gh, which must be installed).`,
    examples: ['godel team pr audit', 'godel team pr audit --create', 'godel team pr audit --remote upstream'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--create', 'push and create it')
    .option('--remote <name>', 'where to push; default: where the branch goes that the team started from')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<PrOptions & GlobalOptions>();
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {prTeam} = await import('../pr-team.ts');
        return prTeam(cli, await pickTeam(openProject(cli, options), name), options);
      }),
    );
}
