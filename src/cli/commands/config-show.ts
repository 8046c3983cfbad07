import type {Command} from 'commander';
import type {GlobalOptions} from '../cli.ts';
import {define, type Runner} from '../define.ts';

export function configShow(run: Runner): Command {
  return define('show', {
    summary: 'Show every setting with its value and where it comes from',
    description: `The order is --set over GODEL_… variables over godel.config.yaml in the project over the user's
godel/config.yaml over the default. A running daemon keeps the settings it was started with.`,
    examples: ['godel config show', 'godel config show --json', 'GODEL_MAX_AGENTS=200 godel config show'],
  }).action((_options: object, command: Command) =>
    run(async cli => {
      const {settingsOf} = await import('../connect.ts');
      const {SETTING_KINDS, SETTING_NAMES, showSetting} = await import('../../config/setting-kinds.ts');
      const {tableLines} = await import('../summary-text.ts');
      const {agentRows} = await import('../agent-settings-text.ts');
      const {settings, provenance, agents, agentProvenance} = settingsOf(cli, command.optsWithGlobals<GlobalOptions>());
      const rows = SETTING_NAMES.map(name => {
        const kind = SETTING_KINDS[name];
        return {
          key: kind.key,
          value: settings[name],
          shown: showSetting(kind, settings[name]),
          from: provenance[name],
          kind,
        };
      });
      if (cli.print.json === 'none') {
        const cells = rows.map(({key, shown, from, kind}) => [key, shown, from, kind.meaning]);
        const all = [...cells, ...agentRows(agents, agentProvenance)];
        for (const line of tableLines(['SETTING', 'VALUE', 'FROM', 'MEANING'], all, cli.print)) cli.print.line(line);
      } else {
        const entries = rows.map(({key, value, shown, from}) => [key, {value, text: shown, from}] as const);
        cli.print.value({v: 1, settings: Object.fromEntries<object>(entries), agents, agentsFrom: agentProvenance});
      }
      return 'ok';
    }),
  );
}
