import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function teamPause(run: Runner): Command {
  return define('pause', {
    summary: 'Let a team, or one agent, stand still',
    description: `Its processes are stopped as they are (SIGSTOP) and nothing new is started; no timeout runs meanwhile. \`team resume\`
lets it go on. A model that is in the middle of an answer may find its connection closed afterwards, and is asked again.`,
    examples: ['godel team pause', 'godel team pause audit', 'godel team pause audit audit-03'],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .argument('[agent]', 'only this agent, as `team agents` shows it')
    .action((name: string | undefined, agent: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<GlobalOptions>();
        const {openProject} = await import('../connect.ts');
        const {pauseTeam} = await import('../pause-team.ts');
        return pauseTeam(cli, openProject(cli, options), {name, agent});
      }),
    );
}
