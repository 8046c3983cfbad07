import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {collectInput} from '../input-option.ts';

export function planCheck(run: Runner): Command {
  return define('check', {
    summary: 'Check a plan file without running anything',
    description: 'Every problem is named with its line and column.',
    examples: ['godel plan check godel.yaml', 'godel plan check godel.yaml --json'],
  })
    .argument('<file>', 'the plan, YAML or JSON')
    .option('--input <name=value>', 'a value for an input of the plan; repeatable', collectInput)
    .action((file: string, options: {readonly input?: Readonly<Record<string, string>>}) =>
      run(async cli => {
        const {checkPlan} = await import('../check-plan.ts');
        return checkPlan(cli, file, options.input);
      }),
    );
}
