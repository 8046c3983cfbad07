import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import type {MergeOptions} from '../merge-team.ts';

export function teamMerge(run: Runner): Command {
  return define('merge', {
    summary: 'Merge the work of a team into the branch that is checked out',
    description: `By your own git, with your identity, hooks and signing. No other command writes to your checkout. What
would conflict, or write over changes that are not committed, is refused before anything is touched.`,
    examples: ['godel team merge audit', 'godel team merge audit --squash', 'godel team merge audit --partial'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--ff-only', 'only if no merge commit is needed')
    .option('--no-ff', 'always with a merge commit')
    .option('--squash', 'all changes as one commit')
    .option('--partial', 'also while the team is at work: what is merged onto its branch so far')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<MergeOptions & GlobalOptions>();
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {mergeTeam} = await import('../merge-team.ts');
        return mergeTeam(cli, await pickTeam(openProject(cli, options), name), options);
      }),
    );
}
