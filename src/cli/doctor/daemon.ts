import type {DaemonView} from '../../api/contract.ts';
import type {Result} from '../../base/result.ts';
import {breakerText} from '../../model/edge.ts';
import type {Failure} from '../../model/failure.ts';
import {failureText} from '../../model/failure-text.ts';
import type {Finding} from './finding.ts';

export interface DaemonSeen {
  readonly answer: Result<DaemonView, Failure>;
  /** Our own version. */
  readonly version: string;
  /** By what the daemon has written down of itself. */
  readonly isAlive: boolean;
}

/** How the daemon is, whether it can write, and whether it and its hosts are of our version. */
export function daemonFindings({answer, version, isAlive}: DaemonSeen): readonly Finding[] {
  if (!answer.ok) {
    if (!isAlive && answer.failure.reason === 'daemon-unreachable') {
      return [{what: 'daemon', state: 'ok', text: 'not running; team commands start it'}];
    }
    return [{what: 'daemon', state: 'missing', text: failureText(answer.failure)}];
  }
  const {version: running, pid, storeTrouble, warnings, hosts, breakers = []} = answer.value;
  const daemon: Finding = {what: 'daemon', state: 'ok', text: `running, version ${running}, pid ${pid}`};
  return [
    storeTrouble === null
      ? daemon
      : {what: 'daemon', state: 'missing', text: `${daemon.text}; it cannot write: ${storeTrouble}`},
    ...skew(version, running, hosts),
    ...breakers.map((breaker): Finding => ({what: breaker.of.kind, state: 'limited', text: breakerText(breaker)})),
    ...warnings.map((text): Finding => ({what: 'warning', state: 'limited', text})),
  ];
}

function skew(ours: string, daemon: string, hosts: DaemonView['hosts']): Finding[] {
  const others = [...new Set(hosts.flatMap(host => host.version ?? []))].filter(version => version !== daemon);
  const hint = '`godel daemon stop` ends it with its hosts, and the next command starts those of this version';
  const findings: Finding[] = [];
  if (daemon !== ours) {
    findings.push({
      what: 'versions',
      state: 'limited',
      text: `this is godel ${ours} and the daemon is ${daemon}: ${hint}`,
    });
  }
  if (others.length > 0) {
    const text = `the daemon is ${daemon} and hosts are ${others.join(', ')}: ${hint}`;
    findings.push({what: 'versions', state: 'limited', text});
  }
  return findings;
}
