import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub, pathOf} from '../hub-options.ts';

export function hubStatus(run: Runner): Command {
  return ofHub(
    define('status', {
      summary: 'Show whether a hub runs over a database, where it listens, and its figures',
      description: 'Exits with 5 when none runs.',
      examples: ['godel hub status', 'godel hub status --db /var/lib/godel/hub.db --json'],
    }),
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {runningHub} = await import('../../hub/process/run-hub.ts');
      const {formatDuration} = await import('../../base/duration.ts');
      const db = pathOf(cli, command.optsWithGlobals<HubOptions>().db);
      const running = await runningHub(db);
      if (cli.print.json !== 'none') {
        cli.print.value({
          v: 1,
          db,
          hub: running?.note ?? null,
          stats: running?.stats ?? null,
          trust: running?.trust ?? null,
        });
      } else if (running === null) {
        cli.print.line(`No hub runs over ${db}. \`godel hub serve\` starts one.`);
      } else {
        const {note, stats} = running;
        cli.print.line(`The hub ${note.url} (process ${note.pid}) runs for ${formatDuration(stats.uptimeMs)}.`);
        cli.print.line(`${stats.agents} agents, ${stats.episodes} episodes of ${stats.tenants} tenants`);
        const rates = `${stats.syncsPerS.toFixed(1)} syncs/s, ${stats.episodesPerS.toFixed(1)} entries/s`;
        cli.print.line(`${rates}, ${stats.lagMs.toFixed(0)} ms behind, ${stats.unembedded} vectors to be made`);
      }
      return running === null ? 'daemon' : 'ok';
    }),
  );
}
