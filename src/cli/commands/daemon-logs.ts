import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';
import {wholeNumber} from '../option-values.ts';

interface Options extends GlobalOptions {
  readonly lines: number;
}

export function daemonLogs(run: Runner): Command {
  return define('logs', {
    summary: "Show the end of the daemon's own log, also when it does not run",
    description: 'With --json the lines are as they stand in .godel/daemon.log, JSON themselves.',
    examples: ['godel daemon logs', 'godel daemon logs --lines 500'],
  })
    .option('--lines <n>', 'how many lines', wholeNumber('--lines', {min: 1, max: 10_000}), 100)
    .action((_options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {logTail} = await import('../../project/log-tail.ts');
        const {logLine} = await import('../log-line.ts');
        const {paths} = openProject(cli, options);
        const lines = logTail(paths.logFile, options.lines);
        if (cli.print.json === 'none') for (const line of lines) cli.print.line(logLine(line));
        else cli.print.value({v: 1, file: paths.logFile, lines});
        return 'ok';
      }),
    );
}
