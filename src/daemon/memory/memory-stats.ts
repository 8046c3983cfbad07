import {statSync} from 'node:fs';
import type {MemoryHubStats, MemoryStats} from '../../api/memory-contract.ts';
import {PROCESS_ALARMS} from '../../hub/client/alarms.ts';
import type {HubReplica} from '../../hub/client/hub-replica.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import {within} from '../../hub/client/within.ts';
import type {EpisodeCache} from '../../hub/client/store/episode-cache.ts';
import type {OpenMemory} from './cached-memory.ts';
import {nextTurn} from './turns.ts';

const AT_ONCE = 50;
/** How long the hub is waited for, in milliseconds. */
const ASK_MS = 1000;
const TOP = 20;
const MOST_USED = 10;
const MAX_TASK = 200;

type Used = MemoryStats['mostUsed'][number];

/** What is on this side is looked at one by one, with everything else going on in between. */
export async function memoryStats({cache, hub, hasHub, hubTrouble, file}: OpenMemory): Promise<MemoryStats> {
  const tally = await tallied(cache);
  const {episodes, active, succeeded, rewards, agents, tags, used} = tally;
  const {pending, refused} = cache.counts;
  return {
    v: 1,
    episodes,
    active,
    quarantined: episodes - active,
    forgotten: cache.forgotten,
    succeeded,
    successRate: episodes === 0 ? null : succeeded / episodes,
    meanReward: episodes === 0 ? null : rewards / episodes,
    agents: agents.size,
    topAgents: top(agents).map(([agent, count]) => ({agent, episodes: count})),
    topTags: top(tags).map(([tag, count]) => ({tag, episodes: count})),
    mostUsed: used,
    file,
    bytes: bytesOf(file),
    pending,
    refused,
    hub: hasHub ? await hubStats(hub, {position: cache.position, trouble: hubTrouble}) : null,
  };
}

async function tallied(cache: EpisodeCache) {
  const agents = new Map<string, number>();
  const tags = new Map<string, number>();
  let used: readonly Used[] = [];
  let [episodes, active, succeeded, rewards, after] = [0, 0, 0, 0, 0];
  for (;;) {
    const some = cache.episodes(after, AT_ONCE);
    for (const {key, episode, state} of some) {
      after = key;
      episodes += 1;
      rewards += episode.reward;
      if (episode.success) succeeded += 1;
      if (state.standing === 'active') active += 1;
      count(agents, episode.agentId);
      for (const tag of state.tags) count(tags, tag);
      const {id, task} = episode;
      if (state.uses > 0) used = most([...used, {id, task: task.slice(0, MAX_TASK), uses: state.uses}]);
    }
    if (some.length === 0) return {episodes, active, succeeded, rewards, agents, tags, used};
    await nextTurn();
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function top(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, TOP);
}

function most(used: readonly Used[]): readonly Used[] {
  return used.toSorted((a, b) => b.uses - a.uses).slice(0, MOST_USED);
}

/** The database and what has not been written back into it; null: there is no such file. */
function bytesOf(file: string): number | null {
  const sizes = [file, `${file}-wal`].map(each => statSync(each, {throwIfNoEntry: false})?.size ?? null);
  return sizes[0] === null ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** `hub`: null while it has not been found. */
async function hubStats(
  hub: HubReplica | null,
  {position, trouble}: {readonly position: number; readonly trouble: string | null},
): Promise<MemoryHubStats> {
  if (hub === null) return {...UNKNOWN, position, error: trouble};
  const {lastSyncAtMs, lastError} = hub.getSyncStats();
  const why = () => new HubError('timed-out', 'The hub did not answer in time');
  const asked = hub.adapter?.stats?.() ?? Promise.resolve(undefined);
  const told = await within(asked, {ms: ASK_MS, alarms: PROCESS_ALARMS, why}).catch((error: unknown) => {
    if (error instanceof HubError) return undefined;
    throw error;
  });
  return {
    position,
    connected: hub.isConnected(),
    url: hub.endpoint,
    agentId: hub.agentId,
    role: hub.adapter?.welcome?.role ?? null,
    episodes: told?.episodes ?? null,
    agents: told?.agents ?? null,
    unembedded: told?.unembedded ?? null,
    lastSyncAtMs,
    error: lastError?.message ?? trouble,
  };
}

const UNKNOWN = {
  connected: false,
  url: null,
  agentId: null,
  role: null,
  episodes: null,
  agents: null,
  unembedded: null,
  lastSyncAtMs: null,
  error: null,
} as const;
