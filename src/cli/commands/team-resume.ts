import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {amount} from '../option-values.ts';
import type {BudgetOptions} from '../spawn-request.ts';

export function teamResume(run: Runner): Command {
  return define('resume', {
    summary: 'Let a team, or one agent, that was paused go on',
    description: `With --budget also a team that stands still for its budget.`,
    examples: [
      'godel team resume',
      'godel team resume audit',
      'godel team resume audit audit-03',
      'godel team resume audit --budget 20',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .argument('[agent]', 'only this agent, as `team agents` shows it')
    .option('--budget <usd>', 'what the team may cost in all from now on, in USD', amount('--budget'))
    .option('--budget-tokens <n>', 'tokens that it may use in all from now on', amount('--budget-tokens'))
    .option(
      '--budget-per-hour <usd>',
      'what it may cost within any hour from now on, in USD',
      amount('--budget-per-hour'),
    )
    .action((name: string | undefined, agent: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<GlobalOptions & BudgetOptions>();
        const {openProject} = await import('../connect.ts');
        const {resumeTeam} = await import('../pause-team.ts');
        return resumeTeam(cli, openProject(cli, options), {name, agent, options});
      }),
    );
}
