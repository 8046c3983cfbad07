import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly force?: boolean;
}

export function daemonStop(run: Runner): Command {
  return define('stop', {
    summary: 'Stop the daemon of this project',
    description: 'Refused while teams run, unless they are to be ended with it.',
    examples: ['godel daemon stop', 'godel daemon stop --force'],
  })
    .option('--force', 'end the teams that run, then stop')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {stopDaemon} = await import('../stop-daemon.ts');
        const stopped = await stopDaemon(openProject(cli, options), {force: options.force === true});
        if (cli.print.json === 'none') cli.print.line(stopped.text);
        else cli.print.value({v: 1, stopped: stopped.wasRunning, teams: stopped.teams});
        return 'ok';
      }),
    );
}
