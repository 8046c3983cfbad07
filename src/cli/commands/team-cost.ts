import {type Command, Option} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import type {CostBy} from '../cost-text.ts';
import {define, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly by: CostBy;
}

export function teamCost(run: Runner): Command {
  return define('cost', {
    summary: 'Show what the prompts of a team have cost',
    description: `In USD and tokens, as the agents report it or by the price of their models. What nobody knows is counted apart
and never taken for nothing: against a budget it counts as much as was reserved for it. The JSON has all three tables.`,
    examples: ['godel team cost', 'godel team cost audit --by model', 'godel team cost audit --json'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .addOption(new Option('--by <what>', 'what the table is by').choices(['task', 'agent', 'model']).default('task'))
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {must, openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {costLines} = await import('../cost-text.ts');
        const project = openProject(cli, options);
        const {team} = await pickTeam(project, name);
        const view = must(await project.client.cost(team));
        if (cli.print.json !== 'none') cli.print.value(view);
        else for (const line of costLines(view, {by: options.by, print: cli.print})) cli.print.line(line);
        return 'ok';
      }),
    );
}
