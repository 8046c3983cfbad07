import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import type {DoctorOptions} from '../doctor/examine.ts';

export function doctor(run: Runner): Command {
  return define('doctor', {
    summary: 'Check what godel needs on this machine and in this project, and say what to do about what is missing',
    description: `Node, git, memory, disk, limits of the OS, the daemon and its hosts, coding agents, and processes that
hosts which died have left running. It exits with 1 when something is missing without which nothing runs.`,
    examples: ['godel doctor', 'godel doctor --json', 'godel doctor --fix'],
  })
    .option(
      '--fix',
      'end what dead hosts of this project have left running, and nothing else; on a terminal it asks first',
    )
    .option('-y, --yes', 'with --fix: do not ask')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {examine} = await import('../doctor/examine.ts');
        return examine(cli, command.optsWithGlobals<DoctorOptions>());
      }),
    );
}
