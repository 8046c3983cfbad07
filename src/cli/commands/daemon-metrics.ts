import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function daemonMetrics(run: Runner): Command {
  return define('metrics', {
    summary: "Print the daemon's figures in the text format of Prometheus",
    description: `What they mean stands in docs/health.md. With --json they are the text of one value. Exits with 5 when the daemon
does not run.`,
    examples: ['godel daemon metrics', 'godel daemon metrics --json'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {must, openProject} = await import('../connect.ts');
      const text = must(await openProject(cli, command.optsWithGlobals<GlobalOptions>()).visitor.metrics());
      if (cli.print.json === 'none') for (const line of text.trimEnd().split('\n')) cli.print.line(line);
      else cli.print.value({v: 1, metrics: text});
      return 'ok';
    }),
  );
}
