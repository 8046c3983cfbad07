import {formatDuration} from '../base/duration.ts';
import type {DaemonView} from '../api/contract.ts';
import {oneLine} from '../base/one-line.ts';
import {breakerText} from '../model/edge.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

export function daemonLine({pid, version, project, uptimeMs}: DaemonView): string {
  return `The daemon of ${project} is running: godel ${version}, process ${pid}, up for ${formatDuration(uptimeMs)}.`;
}

export function daemonLines(daemon: DaemonView, print: Print): readonly string[] {
  const {socket, teams, hosts, permits} = daemon;
  const hostRows = hosts.map(({id, pid, state, agents, running}) => [
    id,
    String(pid),
    state,
    String(agents),
    String(running),
  ]);
  return [
    daemonLine(daemon),
    `socket  ${socket}`,
    `teams   ${teams.length === 0 ? 'none' : teams.map(({name, state}) => `${name} (${state})`).join(', ')}`,
    `permits ${permits.granted} granted${permits.why === null ? '' : `; no more because ${permits.why}`}`,
    ...(daemon.storeTrouble === null ? [] : [print.style('red', `store   cannot be written: ${daemon.storeTrouble}`)]),
    ...(daemon.breakers ?? []).map(breaker => print.style('yellow', `breaker ${oneLine(breakerText(breaker), 1000)}`)),
    ...daemon.warnings.map(warning => print.style('yellow', `warning ${warning}`)),
    ...(hostRows.length === 0
      ? ['hosts   none']
      : tableLines(['HOST', 'PID', 'STATE', 'AGENTS', 'RUNNING'], hostRows, print)),
  ];
}
