import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import type {RetryOptions} from '../retry-team.ts';

export function teamRetry(run: Runner): Command {
  return define('retry', {
    summary: 'Run again what has not succeeded, also of a team that is over',
    description: `Nothing that succeeded runs again. Without TASK or --all it is what failed or was cancelled, and what was
skipped for that. Progress is shown until the team is over, and the exit code says how it went, as for spawn.`,
    examples: [
      'godel team retry',
      'godel team retry audit',
      "godel team retry audit build 'check[node_modules/ws]'",
      'godel team retry audit --all --detach',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .argument('[task...]', 'tasks as `team status` shows them')
    .option('--failed', 'what failed or was cancelled, and what was skipped for that; the default')
    .option('--all', 'whatever has not succeeded, also what was skipped by its condition')
    .option('--detach', 'return when the team is at work again; it goes on by itself')
    .action((name: string | undefined, tasks: readonly string[], _options: object, command: Command) =>
      run(async cli => {
        const {retryTeam} = await import('../retry-team.ts');
        return retryTeam(cli, {name, tasks}, command.optsWithGlobals<RetryOptions>());
      }),
    );
}
