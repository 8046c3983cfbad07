import {type Command, Option} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {wholeNumber} from '../option-values.ts';
import {type ScaleOptions, withScaleOptions} from '../scale-options.ts';

export function teamScale(run: Runner): Command {
  const command = define('scale', {
    summary: 'Give a team more or fewer agents, or say when it does so by itself',
    description: `Up: at once. Down: idle agents go at once, busy ones when what they are at work on is done; skills that
the plan needs stay covered. --count turns auto-scaling off.`,
    examples: [
      'godel team scale --count 20',
      'godel team scale audit --count 5 --group reviewer',
      'godel team scale audit --autoscale on --min 2 --max 50',
      'godel team scale audit --max 80 --max-cost-per-hour 10',
      'godel team scale audit --autoscale off',
      'godel team scale audit --strategy weighted --weights speed=3,cost=1',
    ],
  })
    .argument('[name]', 'the team; may be left out when there is one')
    .option('--count <n>', 'agents in all, or of --group', wholeNumber('--count', {min: 0}))
    .option('--group <group>', 'the group of agents that --count is of')
    .addOption(
      new Option('--autoscale <on|off>', 'whether the team grows and shrinks with its work').choices(['on', 'off']),
    );
  return withScaleOptions(command).action((name: string | undefined, _options: object, self: Command) =>
    run(async cli => {
      const options = self.optsWithGlobals<ScaleOptions & GlobalOptions>();
      const {openProject} = await import('../connect.ts');
      const {scaleTeam} = await import('../scale-team.ts');
      return scaleTeam(cli, openProject(cli, options), {name, options});
    }),
  );
}
