import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function recoverApply(run: Runner): Command {
  return define('apply', {
    summary: 'Put kept work into your checkout as uncommitted changes, or on a branch of its own',
    description: `All of it is applied, or nothing: when it conflicts with what is committed, or your own uncommitted changes are in
the way, nothing is changed. With --branch your checkout is not touched.`,
    examples: ['godel recover apply audit/fix/12', 'godel recover apply audit/fix/12 --branch fix-by-hand'],
  })
    .argument('<ref>', 'as `godel recover list` names it, a whole ref, or the beginning of a commit id')
    .option('--branch <name>', 'make this branch of it, as it was done')
    .action((ref: string, {branch}: {branch?: string}, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {checkoutOf, nameOf} = await import('../kept-work.ts');
        const {applyKept, branchKept, findKept} = await import('../../workspace/recover.ts');
        const {plural} = await import('../../base/amount.ts');
        const {root, checkedOut} = await checkoutOf(cli, command.optsWithGlobals<GlobalOptions>());
        const work = must(await findKept(ref, root));
        const name = nameOf(work);
        if (branch !== undefined) {
          must(await branchKept(work, {root, branch}));
          if (cli.print.json === 'none') cli.print.line(`Branch ${branch} has ${name}.`);
          else cli.print.value({v: 1, name, branch, commit: work.commit});
          return 'ok';
        }
        const files = must(await applyKept(work, {root, checkedOut}));
        if (cli.print.json !== 'none') cli.print.value({v: 1, name, folder: root, files});
        else if (files === 0) cli.print.line(`${name} changes nothing here: all of it is there already.`);
        else cli.print.line(`${plural(files, 'file')} changed in ${root}, not committed. See \`git diff\`.`);
        return 'ok';
      }),
    );
}
