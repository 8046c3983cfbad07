import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {collectInput} from '../input-option.ts';
import type {RunOptions} from '../run-plan.ts';

export function teamRun(run: Runner): Command {
  return define('run', {
    summary: 'Give an idle team a plan',
    description: `The agents are there already, so it starts at once. Progress is shown until the team is over, and the exit
code says how it went, as for spawn.`,
    examples: [
      'godel team run --plan godel.yaml',
      'godel team run workers --plan godel.yaml --input region=eu',
      "ls *.png | godel team run workers --each 'optipng {}'",
      'godel team run workers --plan godel.yaml --detach',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--plan <file>', 'the plan, YAML or JSON')
    .option('--input <name=value>', 'a value for an input of the plan; repeatable', collectInput)
    .option('--each <command>', 'one task for each line of standard input; {} in the command is the line')
    .option('--detach', 'return when the team has the plan; it goes on by itself')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {runPlan} = await import('../run-plan.ts');
        return runPlan(cli, name, command.optsWithGlobals<RunOptions>());
      }),
    );
}
