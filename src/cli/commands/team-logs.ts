import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {wholeNumber} from '../option-values.ts';

interface Options extends GlobalOptions {
  readonly follow?: boolean;
  readonly attempt?: number;
  readonly last: number;
}

export function teamLogs(run: Runner): Command {
  return define('logs', {
    summary: 'Show what tasks printed',
    description: `With TASK the whole log of its latest attempt; without, or when TASK is a foreach, the attempts of all
its tasks in order of their start, each under a header and with its end only when it is long.`,
    examples: [
      'godel team logs',
      "godel team logs audit 'check[node_modules/ws]'",
      'godel team logs audit check --attempt 1',
      'godel team logs --follow',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .argument('[task]', 'the task as `team status` shows it')
    .option(
      '-f, --follow',
      'go on printing until the task or the team is over; lines of several tasks begin with their ids',
    )
    .option('--attempt <n>', 'an earlier attempt of TASK, from 1', wholeNumber('--attempt', {min: 1}))
    .option(
      '--last <n>',
      'of several tasks: how many attempts are shown, the last ones',
      wholeNumber('--last', {min: 1, max: 10_000}),
      100,
    )
    .action((name: string | undefined, task: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {follow = false, attempt, last, ...global} = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {showLogs} = await import('../show-logs.ts');
        const project = openProject(cli, global);
        const {team} = await pickTeam(project, name);
        await showLogs(cli, project.client, {team, task, attempt, last, follow});
        return 'ok';
      }),
    );
}
