import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamExplain(run: Runner): Command {
  return define('explain', {
    summary: 'Say why a team, a task or an agent is as it is',
    description: `Why a task waits, why it went to the agent it went to, why an agent is given nothing, why a team has been
given more or fewer agents: from what was recorded when it was decided.`,
    examples: [
      'godel team explain',
      'godel team explain audit',
      "godel team explain audit 'check[node_modules/ws]'",
      'godel team explain audit audit-03',
      'godel team explain audit build --json',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .argument('[task-or-agent]', 'a task as `team status` shows it, or an agent as `team agents` does; else the team')
    .action((name: string | undefined, about: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {openProject} = await import('../connect.ts');
        const {explain} = await import('../explain.ts');
        return explain(cli, openProject(cli, command.optsWithGlobals<GlobalOptions>()), {name, about});
      }),
    );
}
