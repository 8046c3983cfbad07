import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly stat?: boolean;
}

export function teamDiff(run: Runner): Command {
  return define('diff', {
    summary: 'Show what a team has changed',
    description: `All that is merged onto the branch of the team, against the commit it started from, as your own git shows
it.`,
    examples: ['godel team diff audit', 'godel team diff audit --stat', 'godel team diff audit --json'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--stat', 'only which files, and how much of them')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {diffTeam} = await import('../diff-team.ts');
        return diffTeam(cli, await pickTeam(openProject(cli, options), name), options);
      }),
    );
}
