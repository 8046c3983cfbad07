import type {Command} from 'commander';
import {FAULTS} from '../../chaos/fault.ts';
import type {GlobalOptions} from '../cli.ts';
import type {ChaosOptions} from '../chaos-options.ts';
import {faultList, share, size} from '../chaos-options.ts';
import {define, type Runner} from '../define.ts';
import {collectInput} from '../input-option.ts';
import {duration, teamName, wholeNumber} from '../option-values.ts';

export function chaos(run: Runner): Command {
  return define('chaos', {
    summary: 'Run a plan while some of its attempts go wrong on purpose, and report how that was noticed',
    description: `A share of the attempts of the plan's commands crash, hang, print garbage, take too much memory, are slow or
ignore signals; the tasks get retries for it. Everything else is as in \`godel team spawn\`. The exit code is 0 when every task
ended as it would have without faults and nothing is left.`,
    examples: [
      'godel chaos --plan godel.yaml',
      'godel chaos --plan godel.yaml --faults crash,hang --rate 0.5 --count 50',
      'godel chaos --plan godel.yaml --faults oom --memory 128MiB --seed 7',
      'godel chaos --plan godel.yaml --json',
    ],
  })
    .requiredOption('--plan <file>', 'the plan, YAML or JSON; its commands must be repeatable')
    .option('--faults <list>', `what goes wrong: ${FAULTS.join(', ')}; default: all of them`, faultList)
    .option('--rate <share>', 'share of the attempts that go wrong; default: 0.2', share('--rate'))
    .option('--seed <n>', 'repeats the faults of an earlier run', wholeNumber('--seed', {min: 0, max: 2 ** 32 - 1}))
    .option('--count <n>', 'how many agents; default: those of the plan, or 8')
    .option('--input <name=value>', 'a value for an input of the plan; repeatable', collectInput)
    .option('--name <name>', "the team's name; default: the plan's name, or team", teamName('--name'))
    .option(
      '--silence <duration>',
      'how long an attempt may be silent where the plan does not say; default: 30s',
      duration('--silence'),
    )
    .option(
      '--memory <size>',
      'what an attempt may take where the plan does not say; default: 256MiB',
      size('--memory'),
    )
    .option('--slow <duration>', 'how much longer a slow attempt takes; default: 3s', duration('--slow'))
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {runChaos} = await import('../run-chaos.ts');
        return runChaos(cli, command.optsWithGlobals<ChaosOptions & GlobalOptions>());
      }),
    );
}
