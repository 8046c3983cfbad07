import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamAgents(run: Runner): Command {
  return define('agents', {
    summary: 'Show the agents of a team: what each does, how well, and why one is given nothing',
    description: `MEAN and ERRORS are of the last attempts, the newer the heavier. BREAKER: after failures in a row an agent
is given nothing for a while (open), then one task to try (half-open).`,
    examples: ['godel team agents', 'godel team agents audit', 'godel team agents audit --json'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {must, openProject} = await import('../connect.ts');
        const {pickTeam} = await import('../pick-team.ts');
        const {agentTable} = await import('../agents-text.ts');
        const project = openProject(cli, command.optsWithGlobals<GlobalOptions>());
        const {team} = await pickTeam(project, name);
        const agents = must(await project.client.agents(team));
        if (cli.print.json !== 'none') cli.print.value({v: 1, team, agents});
        else for (const line of agentTable(agents, cli.print)) cli.print.line(line);
        return 'ok';
      }),
    );
}
