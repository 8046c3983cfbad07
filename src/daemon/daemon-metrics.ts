import {PrometheusText} from '../base/prometheus.ts';
import type {TeamFigures} from '../federation/team-meter.ts';
import type {EdgeCounts} from '../model/edge.ts';
import type {HealthState} from '../model/health.ts';
import type {Meter} from './meter.ts';

export interface DaemonFigures {
  readonly uptimeMs: number;
  readonly meter: Pick<Meter, 'started' | 'attempts' | 'scaling'>;
  /** Those that are not over. */
  readonly teams: readonly TeamFigures[];
  readonly edges: readonly EdgeCounts[];
  readonly hosts: readonly {readonly isConnected: boolean; readonly health: HealthState}[];
  readonly permits: number;
}

const HEALTH = ['healthy', 'suspect', 'unhealthy', 'dead'] as const satisfies readonly HealthState[];

/** The daemon's figures in the text format of Prometheus. Of teams, those that are not over. */
export function daemonMetrics({uptimeMs, meter, teams, edges, hosts, permits}: DaemonFigures): string {
  const page = new PrometheusText('godel_');
  page.gauge('uptime_seconds', 'Time since the daemon was started.', uptimeMs / 1000);
  page.gauge('teams', 'Teams that are not over.', teams.length);
  page.gauge('permits', 'Attempts for which the machine has room, those that run included.', permits);
  page.gauge('agents', 'Agents, by team and state.', eachOf(teams, 'agents'));
  page.gauge('tasks', 'Tasks, by team and state.', eachOf(teams, 'tasks'));
  page.gauge(
    'queue',
    'Ready tasks that wait only for an agent or a permit.',
    teams.map(({team, queued}) => [{team}, queued]),
  );
  page.gauge(
    'agent_breakers',
    'Agents whose breaker is not closed, by team and state.',
    teams.flatMap(({team, open, halfOpen}) => [
      [{team, state: 'open'}, open] as const,
      [{team, state: 'half-open'}, halfOpen] as const,
    ]),
  );
  page.counter(
    'agent_breaker_trips_total',
    'How often the breakers of agents have opened, by team.',
    teams.map(({team, trips}) => [{team}, trips]),
  );
  addEdges(page, edges);
  page.counter('attempts_started_total', 'Attempts given to agents.', meter.started);
  const ends = [...meter.attempts].map(([outcome, times]) => [{outcome}, times] as const);
  page.counter('attempts_total', 'Attempts that are over, by how they ended.', ends);
  const scaling = meter.scaling.map(({why, to, times}) => [{why, to}, times] as const);
  page.counter('scale_decisions_total', 'Decisions to give a team more or fewer agents, by reason.', scaling);
  page.gauge(
    'hosts',
    'Hosts, by health.',
    HEALTH.map(health => [{health}, countOf(hosts, host => host.health === health)]),
  );
  page.gauge(
    'hosts_connected',
    'Hosts that are connected.',
    countOf(hosts, ({isConnected}) => isConnected),
  );
  return page.toString();
}

function addEdges(page: PrometheusText, edges: readonly EdgeCounts[]): void {
  const named = edges.map(({of: {kind, name}, ...rest}) => ({labels: {kind, name}, ...rest}));
  page.gauge(
    'breakers',
    'Hosts on which the breaker of a runtime or a provider account is not closed, by state.',
    named.flatMap(({labels, open, halfOpen}) => [
      [{...labels, state: 'open'}, open] as const,
      [{...labels, state: 'half-open'}, halfOpen] as const,
    ]),
  );
  page.counter(
    'breaker_opens_total',
    'How often it has opened.',
    named.map(({labels, opens}) => [labels, opens]),
  );
  page.counter(
    'breaker_refusals_total',
    'Attempts that it has turned away.',
    named.map(({labels, refusals}) => [labels, refusals]),
  );
  page.counter(
    'breaker_open_seconds_total',
    'How long it was open.',
    named.map(({labels, openMs}) => [labels, openMs / 1000]),
  );
}

function eachOf(teams: readonly TeamFigures[], what: 'agents' | 'tasks') {
  return teams.flatMap(({team, [what]: counts}) =>
    Object.entries(counts).map(([state, count]) => [{team, state}, count] as const),
  );
}

function countOf<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.filter(is).length;
}
