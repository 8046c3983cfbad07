import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function recoverShow(run: Runner): Command {
  return define('show', {
    summary: 'Show what was changed, as a patch',
    description: 'The patch goes to standard output as `git apply` takes it; whose work it is, to standard error.',
    examples: ['godel recover show audit/fix/12', 'godel recover show audit/fix/12 | git apply --stat'],
  })
    .argument('<ref>', 'as `godel recover list` names it, a whole ref, or the beginning of a commit id')
    .action((ref: string, _options: object, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {changeText, checkoutOf, keptEntry} = await import('../kept-work.ts');
        const {findKept, patchOf} = await import('../../workspace/recover.ts');
        const {root} = await checkoutOf(cli, command.optsWithGlobals<GlobalOptions>());
        const work = must(await findKept(ref, root));
        const patch = must(await patchOf(work, root));
        if (cli.print.json === 'none') {
          const {team, task, attempt, merged, commit} = work;
          const state = merged ? 'merged' : 'not merged';
          cli.print.note(`Task ${task} of team ${team}, attempt ${attempt}: ${changeText(work)}, ${state} (${commit})`);
          cli.print.log(patch);
        } else {
          cli.print.value({v: 1, ...keptEntry(work), patch: patch.toString('utf8')});
        }
        return 'ok';
      }),
    );
}
