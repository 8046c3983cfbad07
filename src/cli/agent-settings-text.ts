import {formatSize} from '../base/size.ts';
import {oneLine} from '../base/one-line.ts';
import {shellWord} from '../base/shell-word.ts';
import type {AgentSettings} from '../model/agent-settings.ts';

/** The sections of the configuration as rows of `config show`: what, its value, where it comes from, what it means. */
export function agentRows(
  {runtimes, prices, workspace}: AgentSettings,
  from: Readonly<Record<string, string>>,
): readonly (readonly string[])[] {
  const row = (key: string, value: string, meaning: string) => [key, value, from[key] ?? 'default', meaning];
  const links = workspace.link.map(({path, how}) => (how === 'copy' ? path : `${path} (${how})`));
  return [
    ...runtimes.map(({name, command}) =>
      row(`runtimes.${name}`, oneLine(command.map(shellWord).join(' '), 60), 'A coding agent of your own'),
    ),
    ...Object.entries(prices).map(([model, {input, output}]) =>
      row(`prices.${model}`, `${input}/${output}`, 'USD per million tokens, input/output'),
    ),
    row('workspace.link', links.join(', ') || 'none', 'Folders that a worktree gets from your checkout'),
    row(
      'workspace.quota',
      workspace.quotaBytes === null ? 'none' : formatSize(workspace.quotaBytes).replace(' ', ''),
      'Most that all worktrees may take on disk',
    ),
  ];
}
