import {type Command, Option} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {collectInput} from '../input-option.ts';
import {amount, collect, duration, list, teamName, wholeNumber} from '../option-values.ts';
import {withScaleOptions} from '../scale-options.ts';
import type {SpawnOptions} from '../spawn-request.ts';

export function teamSpawn(run: Runner): Command {
  const command = define('spawn', {
    summary: 'Spawn a team of agents, and have them do a plan',
    description: `With a plan (--plan, --task or --each) progress is shown until the team is over, and the exit code says how it
went. Without a plan the agents are made ready and wait.`,
    examples: [
      'godel team spawn --count 50 --plan godel.yaml',
      'godel team spawn --count 50 --task "Refactor codebase" --budget 50',
      'godel team spawn --count 8 --task-file todo.md --dry-run',
      "ls *.png | godel team spawn --count 8 --each 'optipng {}'",
      'godel team spawn --count 50 --plan godel.yaml --detach --json',
      'godel team spawn --count 4 --plan godel.yaml --timeout 1h --max-failures 10',
      'godel team spawn --count 20 --plan prompts.yaml --runtime claude/haiku --budget 5',
      'godel team spawn --plan prompts.yaml --runtime claude:30,codex:20 --allow "bash:npm test*"',
      'godel team spawn --plan godel.yaml --autoscale --min 2 --max 50 --strategy least-connections',
    ],
  })
    .option('--count <n>', 'how many agents; required, unless the plan, --runtime or --autoscale says it')
    .option('--plan <file>', 'the plan, YAML or JSON')
    .option('--input <name=value>', 'a value for an input of the plan; repeatable', collectInput)
    .option(
      '--task <text>',
      'what to do, in words: a list, steps, “for each file in GLOB”, or anything for a model to plan',
    )
    .option('--task-file <file>', 'the same from a file, for example Markdown')
    .option(
      '--parallelism <n>',
      'with a task in words: how many parts to divide files into, and how wide a model is to plan',
      wholeNumber('--parallelism', {min: 1, max: 1000}),
    )
    .option('--verify <command>', 'with a task in words: what proves each change; default: the tests of the project')
    .option('--dry-run', 'with a task in words: show the plan and start nothing')
    .option('--approve', 'with a task in words: show the plan and ask before it is started')
    .option('--each <command>', 'one task for each line of standard input; {} in the command is the line')
    .option(
      '--name <name>',
      "the team's name; default: the plan's name, or team, with -2, -3… where that is taken",
      teamName('--name'),
    )
    .option(
      '--runtime <list>',
      'what does the prompts: claude, codex, gemini, opencode, pi or a custom one; a model after a slash; several as claude/haiku:30,pi:20',
    )
    .option('--model <model>', 'the model of all agents, as their runtime calls it')
    .option('--skills <list>', 'skills of all agents, with commas between; without any they accept every task', list)
    .option('--budget <usd>', 'what the team may cost in all, in USD', amount('--budget'))
    .option('--budget-tokens <n>', 'input and output tokens that it may use in all', amount('--budget-tokens'))
    .option(
      '--budget-per-hour <usd>',
      'what it may cost within any hour, in USD; what does not fit waits',
      amount('--budget-per-hour'),
    )
    .option(
      '--allow <what>',
      'what agents may do beyond working in their worktrees, for example bash, "bash:npm test*" or network; repeatable',
      collect,
    )
    .option('--detach', 'return when the agents are ready; the team goes on by itself')
    .option('--timeout <duration>', 'end the team when it is not over after this long', duration('--timeout'))
    .option('--fail-fast', 'end the team at the first failed task')
    .option(
      '--max-failures <n>',
      'end the team when this many tasks have failed',
      wholeNumber('--max-failures', {min: 1}),
    )
    .option('--no-memory', 'give its tasks nothing of what others have learned, and keep nothing of what they learn')
    .option('--hub <url>', 'share what they learn at this hub (wss://host:port); project: at the own one; off: at none')
    .option('--tenant <name>', 'whose memory it is at that hub')
    .option('--hub-token-file <file>', 'the token for that hub, made there by `godel hub token create`')
    .option('--autoscale', 'let the team grow and shrink with its work')
    .addOption(
      new Option(
        '--on-budget <what>',
        'when the budget does not allow what comes next: stop ends the team, pause waits for `team resume --budget`, ask does too and asks on a terminal',
      ).choices(['stop', 'pause', 'ask']),
    );
  return withScaleOptions(command).action((_options: object, self: Command) =>
    run(async cli => {
      const {spawnTeam} = await import('../spawn-team.ts');
      return spawnTeam(cli, self.optsWithGlobals<SpawnOptions & GlobalOptions>());
    }),
  );
}
