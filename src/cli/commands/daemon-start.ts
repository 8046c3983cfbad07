import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function daemonStart(run: Runner): Command {
  return define('start', {
    summary: "Start the project's daemon, or say that it is running",
    description: `Team commands do this by themselves. An idle daemon ends itself after a while (setting
idle-shutdown).`,
    examples: ['godel daemon start', 'godel daemon start --set idle-shutdown=1d'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const {must, noteUnheardSettings, openProject} = await import('../connect.ts');
      const {daemonLine} = await import('../daemon-text.ts');
      const project = openProject(cli, options);
      await noteUnheardSettings(cli, project, options);
      const daemon = must(await project.client.daemon());
      if (cli.print.json === 'none') cli.print.line(daemonLine(daemon));
      else cli.print.value(daemon);
      return 'ok';
    }),
  );
}
