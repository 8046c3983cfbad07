import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function recoverList(run: Runner): Command {
  return define('list', {
    summary: 'List the work of agents that is kept in this repository, the latest first',
    description: `What an attempt changed is kept in a ref before its worktree is cleaned, whether it succeeded, failed or was
stopped. "merged" means that a branch has it.`,
    examples: ['godel recover list', 'godel recover list --team audit', 'godel recover list --json'],
  })
    .option('--team <name>', 'only of this team')
    .action(({team}: {team?: string}, command: Command) =>
      run(async cli => {
        const {must} = await import('../connect.ts');
        const {checkoutOf, KEPT_HEAD, keptEntry, keptRow} = await import('../kept-work.ts');
        const {tableLines} = await import('../summary-text.ts');
        const {listKept} = await import('../../workspace/recover.ts');
        const {root} = await checkoutOf(cli, command.optsWithGlobals<GlobalOptions>());
        const kept = must(await listKept(root)).filter(work => team === undefined || work.team === team);
        if (cli.print.json !== 'none') cli.print.value({v: 1, work: kept.map(keptEntry)});
        else if (kept.length === 0) cli.print.line('No work of agents is kept here.');
        else {
          const rows = kept.map(work => keptRow(work, Date.now()));
          for (const line of tableLines(KEPT_HEAD, rows, cli.print)) cli.print.line(line);
        }
        return 'ok';
      }),
    );
}
