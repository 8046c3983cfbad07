import type {HubStats} from '../../wire/hub-protocol.ts';
import type {HubGauges} from './hub-gauges.ts';

type Kind = 'gauge' | 'counter';

/** The hub's figures in the text format of Prometheus (version 0.0.4). No tenant is named. */
export function hubMetrics(
  stats: HubStats,
  {rates, flushes, refusals, damagedTotal}: HubGauges,
  {unsearchable}: {unsearchable: number},
): string {
  const lines: string[] = [];
  const add = (name: string, kind: Kind, help: string, ...values: readonly (readonly [string, number])[]) => {
    lines.push(`# HELP godel_hub_${name} ${help}`, `# TYPE godel_hub_${name} ${kind}`);
    for (const [labels, value] of values) lines.push(`godel_hub_${name}${labels} ${value}`);
  };
  add('agents', 'gauge', 'Agents connected.', ['', stats.agents]);
  add('episodes', 'gauge', 'Episodes kept.', ['', stats.episodes]);
  add('tenants', 'gauge', 'Tenants with anything kept.', ['', stats.tenants]);
  add('uptime_seconds', 'gauge', 'Time since the start.', ['', stats.uptimeMs / 1000]);
  add('pulls_total', 'counter', 'Pulls answered.', ['', rates.pulls.total]);
  add('pushes_total', 'counter', 'Pushes made durable.', ['', rates.pushes.total]);
  add('entries_total', 'counter', 'Log entries made durable.', ['', rates.episodes.total]);
  add('flushes_total', 'counter', 'Commits to the disk.', ['', flushes.count]);
  add('flush_seconds_total', 'counter', 'Time spent in commits.', ['', flushes.totalMs / 1000]);
  if (flushes.lastMs !== null) {
    add('flush_seconds', 'gauge', 'What the last commit took.', ['', flushes.lastMs / 1000]);
  }
  add('event_loop_lag_seconds', 'gauge', 'Lag of the event loop, p99 of the last minute.', ['', stats.lagMs / 1000]);
  add('unembedded', 'gauge', 'Episodes whose vectors are still to be made.', ['', stats.unembedded]);
  add('unsearchable', 'gauge', 'Entries whose text is still to be made searchable.', ['', unsearchable]);
  add('damaged_total', 'counter', 'Entries pulled without what was in them, for they are damaged.', ['', damagedTotal]);
  const byCode = refusals.map(([code, count]) => [`{code="${code}"}`, count] as const);
  add('refused_total', 'counter', 'Requests and connections refused, by code.', ...byCode);
  return `${lines.join('\n')}\n`;
}
