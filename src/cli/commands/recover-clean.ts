import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {duration} from '../option-values.ts';

export function recoverClean(run: Runner): Command {
  return define('clean', {
    summary: 'Forget kept work that is old and merged',
    description: 'git removes what nothing refers to in its own time (`git gc`).',
    examples: ['godel recover clean --older-than 30d', 'godel recover clean --older-than 90d --not-merged'],
  })
    .requiredOption('--older-than <duration>', 'kept longer ago than this, for example 30d', duration('--older-than'))
    .option('--not-merged', 'also what no branch has')
    .action(({olderThan, notMerged}: {olderThan: number; notMerged?: true}, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {checkoutOf, nameOf} = await import('../kept-work.ts');
        const {dropKept, listKept} = await import('../../workspace/recover.ts');
        const {plural} = await import('../../base/amount.ts');
        const {root} = await checkoutOf(cli, command.optsWithGlobals<GlobalOptions>());
        const before = Date.now() - olderThan;
        const kept = must(await listKept(root)).filter(({savedMs}) => savedMs < before);
        const dropped = kept.filter(({merged}) => merged || notMerged === true);
        must(await dropKept(dropped, root));
        const left = kept.length - dropped.length;
        if (cli.print.json !== 'none') cli.print.value({v: 1, removed: dropped.map(nameOf), notMerged: left});
        else {
          const rest =
            left === 0 ? '' : ` ${plural(left, 'other')} as old ${left === 1 ? 'is' : 'are'} not merged and stay.`;
          cli.print.line(`${plural(dropped.length, 'piece')} of kept work forgotten.${rest}`);
        }
        return 'ok';
      }),
    );
}
