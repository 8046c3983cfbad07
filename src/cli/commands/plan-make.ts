import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import type {MakePlanOptions} from '../make-plan.ts';
import {amount, collect, wholeNumber} from '../option-values.ts';

/** `godel plan TEXT`, which is also the group of the commands for plan files. */
export function planMake(run: Runner): Command {
  return define('plan', {
    summary: 'Make a plan of a task in words, and work with plan files',
    description: `A text with structure (a list, steps, "for each file in GLOB") is taken apart as it says itself, which costs
nothing; any other is planned by a coding agent. How the text was read is said.`,
    examples: [
      'godel plan "1. Add a parser 2. Wire it in 3. Document it"',
      'godel plan "For each file in src/*.ts, add doc comments" -o plan.yaml',
      'godel plan --task-file todo.md -o plan.yaml --verify "npm test"',
      'godel plan "Refactor codebase" --runtime claude --budget 5 -o plan.yaml',
    ],
  })
    .argument('[text]', 'what to do')
    .option('--task-file <file>', 'what to do, from a file, for example Markdown')
    .option('-o, --output <file>', 'where to write the plan; default: standard output')
    .option('--force', 'write over a file that is there')
    .option(
      '--parallelism <n>',
      'how many parts to divide files into, and how wide a model is to plan',
      wholeNumber('--parallelism', {min: 1, max: 1000}),
    )
    .option('--verify <command>', 'what proves each change; default: the tests of the project')
    .option('--runtime <name>', 'what makes the plan where a model is needed, for example claude/haiku')
    .option('--model <model>', 'its model, as the runtime calls it')
    .option('--budget <usd>', 'in USD: of this budget a quarter at most is used for the plan', amount('--budget'))
    .option('--budget-tokens <n>', 'the same in tokens', amount('--budget-tokens'))
    .option('--allow <what>', 'what the planning agent may do beyond reading; repeatable', collect)
    .action((text: string | undefined, _options: object, command: Command) =>
      run(async cli => {
        const {makePlan} = await import('../make-plan.ts');
        return makePlan(cli, text, command.optsWithGlobals<MakePlanOptions & GlobalOptions>());
      }),
    );
}
