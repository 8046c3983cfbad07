import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';
import {type HubOptions, ofHub} from '../hub-options.ts';

export function hubStatus(run: Runner): Command {
  return ofHub(
    define('status', {
      summary: 'Show whether a hub runs over a database, where it listens, and its figures',
      description: `Without --db: the hub that was started in this folder, or where there was none the one that the project's daemon
starts; it says which. Exits with 5 when none runs.`,
      examples: ['godel hub status', 'godel hub status --db /var/lib/godel/hub.db --json'],
    }),
  ).action((_options: object, command: Command) =>
    run(async cli => {
      const {runningHub} = await import('../../hub/process/run-hub.ts');
      const {formatDuration} = await import('../../base/duration.ts');
      const {shownHub} = await import('../shown-hub.ts');
      const isNamed = command.getOptionValueSource('db') !== 'default';
      const {db, which, other} = await shownHub(cli, command.optsWithGlobals<HubOptions>(), isNamed);
      const running = await runningHub(db);
      if (cli.print.json !== 'none') {
        cli.print.value({
          v: 1,
          db,
          which,
          hub: running?.note ?? null,
          stats: running?.stats ?? null,
          trust: running?.trust ?? null,
        });
      } else if (running === null) {
        const start =
          which === 'project'
            ? "It is the project's own, which the daemon starts when there is something to share."
            : '`godel hub serve` starts one.';
        cli.print.line(`No hub runs over ${db}. ${start}`);
      } else {
        const {note, stats} = running;
        const hub = which === 'project' ? "The project's own hub" : 'The hub';
        const since = formatDuration(stats.uptimeMs);
        cli.print.line(`${hub} ${note.url} (process ${note.pid}) runs for ${since}, over ${db}.`);
        cli.print.line(`${stats.agents} agents, ${stats.episodes} episodes of ${stats.tenants} tenants`);
        const rates = `${stats.syncsPerS.toFixed(1)} syncs/s, ${stats.episodesPerS.toFixed(1)} entries/s`;
        cli.print.line(`${rates}, ${stats.lagMs.toFixed(0)} ms behind, ${stats.unembedded} vectors to be made`);
      }
      if (other !== null) cli.print.note(`The project has a hub of its own, too: godel hub status --db ${other}`);
      return running === null ? 'daemon' : 'ok';
    }),
  );
}
