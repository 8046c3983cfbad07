import {PrometheusText} from '../../base/prometheus.ts';
import type {HubStats} from '../../wire/hub-protocol.ts';
import type {HubGauges} from './hub-gauges.ts';

/** The hub's figures in the text format of Prometheus. No tenant is named. */
export function hubMetrics(
  stats: HubStats,
  {rates, flushes, refusals, damagedTotal}: HubGauges,
  {unsearchable}: {unsearchable: number},
): string {
  const page = new PrometheusText('godel_hub_');
  page.gauge('agents', 'Agents connected.', stats.agents);
  page.gauge('episodes', 'Episodes kept.', stats.episodes);
  page.gauge('tenants', 'Tenants with anything kept.', stats.tenants);
  page.gauge('uptime_seconds', 'Time since the start.', stats.uptimeMs / 1000);
  page.counter('pulls_total', 'Pulls answered.', rates.pulls.total);
  page.counter('pushes_total', 'Pushes made durable.', rates.pushes.total);
  page.counter('entries_total', 'Log entries made durable.', rates.episodes.total);
  page.counter('flushes_total', 'Commits to the disk.', flushes.count);
  page.counter('flush_seconds_total', 'Time spent in commits.', flushes.totalMs / 1000);
  if (flushes.lastMs !== null) page.gauge('flush_seconds', 'What the last commit took.', flushes.lastMs / 1000);
  page.gauge('event_loop_lag_seconds', 'Lag of the event loop, p99 of the last minute.', stats.lagMs / 1000);
  page.gauge('unembedded', 'Episodes whose vectors are still to be made.', stats.unembedded);
  page.gauge('unsearchable', 'Entries whose text is still to be made searchable.', unsearchable);
  page.counter('damaged_total', 'Entries pulled without what was in them, for they are damaged.', damagedTotal);
  const byCode = refusals.map(([code, count]) => [{code}, count] as const);
  page.counter('refused_total', 'Requests and connections refused, by code.', byCode);
  return page.toString();
}
